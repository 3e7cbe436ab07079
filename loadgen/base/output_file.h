// A result file that appears whole or not at all: written beside its name, then renamed.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "loadgen/base/failure.h"
#include "net/io/socket.h"

namespace httpdyno::loadgen {

// open() before the measuring, so that a path that cannot be written costs nobody a run; commit() after it.
// Between the two nothing of it exists, so whatever ends the program leaves nothing behind; once append() has
// been called there is a file beside it, which goes with this object. "-" is the standard output; a name that
// is there and is no regular file (a device, a pipe) is written to in place, at once.
class OutputFile {
 public:
  OutputFile();
  ~OutputFile();

  // An empty path: none is wanted, and append() and commit() do nothing.
  Failure open(const std::string& path);
  // What a commit will show; nothing of it is kept in memory. A full disk is a failure, which every later call
  // returns again: one look at the end is enough.
  Failure append(std::string_view content);
  // The file is there with what was appended, and `content` behind it. With a failure the earlier file of that
  // name is still there.
  Failure commit(std::string_view content = {});

  bool wanted() const { return !path_.empty(); }
  bool to_stdout() const { return path_ == "-"; }

 private:
  class Temporary;

  int write(std::string_view content);  // the errno value, or 0
  Failure result() const;

  std::string path_;    // as the user gave it
  std::string target_;  // what is replaced: symbolic links followed; empty when written in place
  io::Fd in_place_;
  std::unique_ptr<Temporary> temporary_;
  int error_ = 0;  // the first, an errno value
};

// All of `bytes` to `fd`; the errno value, or 0.
int write_all(int fd, std::string_view bytes);

// The summary of a command, to `fd`.
Failure print_summary(int fd, std::string_view text);

}  // namespace httpdyno::loadgen
