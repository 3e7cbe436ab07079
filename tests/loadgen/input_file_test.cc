#include "loadgen/base/input_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/temporary_folder.h"

namespace httpdyno::loadgen {
namespace {

TEST(InputFile, IsReadWholeAndRefusedWithItsNameAndTheReason) {
  const TemporaryFolder folder;
  const std::string path = folder.file("input");
  const std::string content(200'000, 'c');
  std::ofstream(path) << content;
  std::string out;
  EXPECT_EQ(read_input_file("--f", path, content.size(), out).line, "");
  EXPECT_EQ(out, content);
  out.clear();
  EXPECT_EQ(read_input_file("--f", path, content.size() - 1, out).line,
            "--f " + path + " is larger than 199999 octets");
  const Failure missing = read_input_file("--f", path + "-not", 1, out);
  EXPECT_EQ(missing.exit_code, kExitUsage);
  EXPECT_EQ(missing.line, "cannot read --f " + path + "-not: No such file or directory");
}

}  // namespace
}  // namespace httpdyno::loadgen
