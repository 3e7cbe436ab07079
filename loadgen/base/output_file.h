// A result file that appears whole or not at all: written beside its name, then renamed.
#pragma once

#include <string>
#include <string_view>

#include "loadgen/base/failure.h"
#include "net/io/socket.h"

namespace httpdyno::loadgen {

// open() before the measuring, so that a path that cannot be written costs nobody a run; commit() after it.
// Between the two nothing of it exists, so whatever ends the program leaves nothing behind. "-" is the
// standard output; a name that is there and is no regular file (a device, a pipe) is written to in place.
class OutputFile {
 public:
  // An empty path: none is wanted, and commit() does nothing.
  Failure open(const std::string& path);
  // A full disk is a failure, and the earlier file of that name is still there.
  Failure commit(std::string_view content);

  bool wanted() const { return !path_.empty(); }
  bool to_stdout() const { return path_ == "-"; }

 private:
  std::string path_;    // as the user gave it
  std::string target_;  // what is replaced: symbolic links followed; empty when written in place
  io::Fd in_place_;
};

// All of `bytes` to `fd`; the errno value, or 0.
int write_all(int fd, std::string_view bytes);

}  // namespace httpdyno::loadgen
