// Result files: whole or not at all.
#include "loadgen/base/output_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "tests/temporary_folder.h"

namespace httpdyno::loadgen {
namespace {

namespace fs = std::filesystem;

class OutputFileTest : public testing::Test {
 protected:
  const TemporaryFolder folder_;
};

TEST_F(OutputFileTest, AppearsWithTheCommit) {
  const fs::path path = folder_.file("result.json");
  OutputFile file;
  ASSERT_FALSE(file.open(path.string()));
  EXPECT_TRUE(file.wanted());
  EXPECT_FALSE(fs::exists(path));
  ASSERT_FALSE(file.commit("content\n"));
  EXPECT_EQ(content_of(path), "content\n");
  EXPECT_EQ(folder_.file_count(), 1U);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0666 & ~mask);
}

TEST_F(OutputFileTest, LeavesNothingWithoutACommit) {
  const fs::path path = folder_.file("result.json");
  std::ofstream(path) << "older";
  {
    OutputFile file;
    ASSERT_FALSE(file.open(path.string()));
  }
  EXPECT_EQ(content_of(path), "older");
  EXPECT_EQ(folder_.file_count(), 1U);
}

TEST_F(OutputFileTest, ReplacesWhatIsThere) {
  const fs::path path = folder_.file("result.json");
  std::ofstream(path) << "older and longer";
  OutputFile file;
  ASSERT_FALSE(file.open(path.string()));
  ASSERT_FALSE(file.commit("new"));
  EXPECT_EQ(content_of(path), "new");
}

TEST_F(OutputFileTest, FollowsALink) {
  const fs::path target = folder_.file("target");
  const fs::path link = folder_.file("link");
  std::ofstream(target) << "older";
  fs::create_symlink(target, link);
  OutputFile file;
  ASSERT_FALSE(file.open(link.string()));
  ASSERT_FALSE(file.commit("new"));
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(content_of(target), "new");
}

TEST_F(OutputFileTest, RefusesAPathThatCannotBeBeforeAnythingIsMeasured) {
  for (const std::string& path : {folder_.file("no/such/folder"), folder_.path()}) {
    OutputFile file;
    const Failure failure = file.open(path);
    EXPECT_EQ(failure.exit_code, kExitUsage) << path;
    EXPECT_NE(failure.line.find(path), std::string::npos);
  }
}

TEST_F(OutputFileTest, SaysThatTheDiskIsFull) {
  OutputFile file;
  ASSERT_FALSE(file.open("/dev/full"));
  const Failure failure = file.commit("content");
  EXPECT_EQ(failure.exit_code, kExitFailed);
  EXPECT_NE(failure.line.find("/dev/full"), std::string::npos);
  struct stat status {};
  ASSERT_EQ(::stat("/dev/full", &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode)) << "the device must not be replaced by a file";
}

TEST_F(OutputFileTest, DoesNothingWithoutAPath) {
  OutputFile file;
  ASSERT_FALSE(file.open(""));
  EXPECT_FALSE(file.wanted());
  EXPECT_FALSE(file.commit("content"));
}

}  // namespace
}  // namespace httpdyno::loadgen
