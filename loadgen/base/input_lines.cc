#include "loadgen/base/input_lines.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace httpdyno::loadgen {

namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

Failure cannot_read(const std::string& path, int code) {
  return usage_failure(fmt::format("cannot read {}: {}", path, std::generic_category().message(code)));
}

}  // namespace

Failure InputLines::open(const std::string& path, std::size_t bytes_max) {
  path_ = path;
  bytes_max_ = bytes_max;
  fd_ = io::Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return fd_ ? Failure{} : cannot_read(path, errno);
}

Failure InputLines::fill(bool& more) {
  const std::size_t held = buffer_.size();
  buffer_.resize(held + kReadBytes);
  ssize_t count = 0;
  do {
    count = ::read(fd_.get(), buffer_.data() + held, kReadBytes);
  } while (count < 0 && errno == EINTR);
  const int code = errno;
  more = count > 0;
  buffer_.resize(held + (more ? static_cast<std::size_t>(count) : 0));
  return count < 0 ? cannot_read(path_, code) : Failure{};
}

Failure InputLines::next(bool& more) {
  buffer_.erase(0, rest_);
  size_ = rest_ = 0;
  ++number_;
  more = true;
  std::size_t searched = 0;
  for (;;) {
    const std::size_t end = buffer_.find('\n', searched);
    if (end != std::string::npos) {
      size_ = end;
      rest_ = end + 1;
      return end > bytes_max_ ? wrong(fmt::format("is longer than {} octets", bytes_max_)) : Failure{};
    }
    searched = buffer_.size();
    if (searched > bytes_max_) return wrong(fmt::format("is longer than {} octets", bytes_max_));
    if (Failure failure = fill(more)) return failure;
    if (!more) return buffer_.empty() ? Failure{} : wrong("is cut off: it has no line end");
  }
}

Failure InputLines::wrong(std::string_view reason) const {
  return usage_failure(fmt::format("{}:{} {}", path_, number_, reason));
}

}  // namespace httpdyno::loadgen
