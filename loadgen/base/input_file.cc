#include "loadgen/base/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "net/io/socket.h"

namespace httpdyno::loadgen {

Failure read_input_file(const char* flag, const std::string& path, std::size_t bytes_max, std::string& out) {
  const io::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string piece(64 * 1024, '\0');
  ssize_t count = fd ? 0 : -1;
  while (fd && (count = ::read(fd.get(), piece.data(), piece.size())) > 0) {
    out.append(piece, 0, static_cast<std::size_t>(count));
    if (out.size() > bytes_max) {
      return usage_failure(fmt::format("{} {} is larger than {} octets", flag, path, bytes_max));
    }
  }
  if (count == 0) return {};
  return usage_failure(
      fmt::format("cannot read {} {}: {}", flag, path, std::generic_category().message(errno)));
}

}  // namespace httpdyno::loadgen
