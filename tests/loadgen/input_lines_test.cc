// A text file line by line: nothing lost where a read ends within a line, and a clear word for what is wrong.
#include "loadgen/base/input_lines.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/temporary_folder.h"

namespace httpdyno::loadgen {
namespace {

class InputLinesTest : public testing::Test {
 protected:
  // What is read from a file with `content`; the failure's line behind it, if there was one.
  std::vector<std::string> read(const std::string& content, std::size_t bytes_max = 1 << 20) {
    std::ofstream(path_, std::ios::binary) << content;
    std::vector<std::string> seen;
    InputLines lines;
    Failure failure = lines.open(path_, bytes_max);
    for (bool more = true; !failure;) {
      failure = lines.next(more);
      if (failure || !more) break;
      seen.emplace_back(lines.line());
    }
    if (failure) {
      EXPECT_EQ(failure.exit_code, kExitUsage);
      seen.push_back(failure.line);
    }
    return seen;
  }

  const TemporaryFolder folder_;
  const std::string path_ = folder_.file("log");
};

using Lines = std::vector<std::string>;

TEST_F(InputLinesTest, GivesEachLineWithoutItsEnd) {
  EXPECT_EQ(read(""), Lines());
  EXPECT_EQ(read("one\n\nthree\n"), (Lines{"one", "", "three"}));
}

TEST_F(InputLinesTest, LosesNothingWhereAReadEnds) {
  Lines lines;
  std::string content;
  for (const std::size_t size :
       std::initializer_list<std::size_t>{0, 1, 65'534, 65'535, 65'536, 65'537, 200'000, 3}) {
    lines.emplace_back(size, static_cast<char>('a' + lines.size()));
    content += lines.back() + "\n";
  }
  EXPECT_EQ(read(content), lines);
}

TEST_F(InputLinesTest, SaysWhichLineIsCutOff) {
  EXPECT_EQ(read("one\ntw"), (Lines{"one", path_ + ":2 is cut off: it has no line end"}));
}

TEST_F(InputLinesTest, HoldsNoMoreThanALineMayHave) {
  EXPECT_EQ(read("1234567890\n", 10), Lines{"1234567890"});
  EXPECT_EQ(read("1\n12345678901\n", 10), (Lines{"1", path_ + ":2 is longer than 10 octets"}));
  EXPECT_EQ(read(std::string(200'000, 'x'), 10), Lines{path_ + ":1 is longer than 10 octets"});
}

TEST_F(InputLinesTest, SaysWhatCannotBeRead) {
  InputLines missing;
  EXPECT_EQ(missing.open(path_, 10).line, "cannot read " + path_ + ": No such file or directory");
  InputLines directory;
  ASSERT_FALSE(directory.open(folder_.path(), 10));
  bool more = false;
  EXPECT_EQ(directory.next(more).line, "cannot read " + folder_.path() + ": Is a directory");
}

}  // namespace
}  // namespace httpdyno::loadgen
