// Result files: whole or not at all.
#include "loadgen/base/output_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
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

TEST_F(OutputFileTest, GrowsBesideItsName) {
  const fs::path path = folder_.file("result.hlog");
  std::ofstream(path) << "older";
  {
    OutputFile file;
    ASSERT_FALSE(file.open(path.string()));
    EXPECT_EQ(folder_.file_count(), 1U);
    ASSERT_FALSE(file.append("one\n"));
    ASSERT_FALSE(file.append("two\n"));
    EXPECT_EQ(content_of(path), "older");
    EXPECT_EQ(folder_.file_count(), 2U);
    ASSERT_FALSE(file.commit("three\n"));
    EXPECT_EQ(content_of(path), "one\ntwo\nthree\n");
  }
  EXPECT_EQ(content_of(path), "one\ntwo\nthree\n");
  EXPECT_EQ(folder_.file_count(), 1U);
}

TEST_F(OutputFileTest, GoesWithItsObjectWhenItIsNotCommitted) {
  {
    OutputFile file;
    ASSERT_FALSE(file.open(folder_.file("result.hlog")));
    ASSERT_FALSE(file.append("one\n"));
    EXPECT_EQ(folder_.file_count(), 1U);
  }
  EXPECT_EQ(folder_.file_count(), 0U);
}

TEST_F(OutputFileTest, IsThereWithoutContentToo) {
  const fs::path path = folder_.file("result.hlog");
  OutputFile file;
  ASSERT_FALSE(file.open(path.string()));
  ASSERT_FALSE(file.commit());
  EXPECT_EQ(content_of(path), "");
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(OutputFileTest, RemembersAtTheEndThatTheDiskWasFull) {
  OutputFile file;
  ASSERT_FALSE(file.open("/dev/full"));
  EXPECT_EQ(file.append("one\n").exit_code, kExitFailed);
  const Failure failure = file.commit();
  EXPECT_EQ(failure.exit_code, kExitFailed);
  EXPECT_EQ(failure.line, "cannot write /dev/full: No space left on device");
}

TEST_F(OutputFileTest, LeavesTheEarlierFileWhereThereIsNoMoreRoom) {
  const fs::path path = folder_.file("result.hlog");
  std::ofstream(path) << "older";
  OutputFile file;
  ASSERT_FALSE(file.open(path.string()));
  // What a file may hold at most: as a full disk, a part of the octets is written and then no more.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 10;
  ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Failure first = file.append("0123456789abcdef");
  const Failure second = file.append("x");
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(first.exit_code, kExitFailed);
  EXPECT_EQ(second.line, first.line);
  EXPECT_EQ(file.commit("more").line, first.line);
  EXPECT_EQ(content_of(path), "older");
}

TEST_F(OutputFileTest, DoesNothingWithoutAPath) {
  OutputFile file;
  ASSERT_FALSE(file.open(""));
  EXPECT_FALSE(file.wanted());
  EXPECT_FALSE(file.append("content"));
  EXPECT_FALSE(file.commit("content"));
}

}  // namespace
}  // namespace httpdyno::loadgen
