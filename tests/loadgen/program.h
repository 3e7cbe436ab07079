// Runs the loadgen program as a person or a script would: argv in; exit code, stdout and stderr out.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "loadgen/base/failure.h"

extern char** environ;

namespace httpdyno::loadgen {

struct Finished {
  int code = -1;  // 128 + signal when one ended it
  std::string out;
  std::string err;
};

// A file without a name, for a program's output.
class Captured {
 public:
  Captured() : file_(std::tmpfile(), &std::fclose) { EXPECT_NE(file_, nullptr); }
  int fd() const { return ::fileno(file_.get()); }
  std::string text() const {
    std::string all;
    char buffer[4096];
    std::rewind(file_.get());
    while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, file_.get()))
      all.append(buffer, count);
    return all;
  }

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

// Whether the machine alone made a run void (a host that took its cores away): its counts stand, its figures are not
// there.
inline bool spoilt(const Finished& run) {
  return run.code == kExitVoid && run.err.starts_with("loadgen: the run is void: ") &&
         run.err.find("Little's law") == std::string::npos;
}

// What a program said but for its doubts: a machine that is busy with other things makes a run suspect.
inline std::string without_doubts(const std::string& err) {
  const bool doubt =
      err.starts_with("loadgen: the run is suspect: ") || err.starts_with("loadgen: the run is void: ");
  return doubt ? err.substr(err.find('\n') + 1) : err;
}

// `meanwhile` is called with the process id while it runs.
inline Finished run_program(std::vector<std::string> words,
                            const std::function<void(pid_t)>& meanwhile = {}) {
  words.insert(words.begin(), LOADGEN_PROGRAM);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  const Captured out;
  const Captured err;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out.fd(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.fd(), STDERR_FILENO);
  pid_t pid = -1;
  EXPECT_EQ(::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  if (meanwhile) meanwhile(pid);
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), out.text(), err.text()};
}

}  // namespace httpdyno::loadgen
