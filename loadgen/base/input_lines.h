// A text file read line by line, with bounded memory, that can say of each line where it stands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "loadgen/base/failure.h"
#include "net/io/socket.h"

namespace httpdyno::loadgen {

class InputLines {
 public:
  // No line is longer than `bytes_max`.
  Failure open(const std::string& path, std::size_t bytes_max);
  // The next line, in line() until the next call, without its end; at the end of the file `more` is false. A
  // last line without a line end is a failure: the file was cut off.
  Failure next(bool& more);
  std::string_view line() const { return std::string_view(buffer_).substr(0, size_); }

  // "FILE:LINE `reason`", of the line that next() has given last; behind the last one, of the end.
  Failure wrong(std::string_view reason) const;

 private:
  Failure fill(bool& more);

  std::string path_;
  io::Fd fd_;
  std::string buffer_;
  std::size_t size_ = 0;  // of the line, with which the buffer begins
  std::size_t rest_ = 0;  // where the lines behind it begin
  std::size_t bytes_max_ = 0;
  std::uint64_t number_ = 0;  // of the line, from 1
};

}  // namespace httpdyno::loadgen
