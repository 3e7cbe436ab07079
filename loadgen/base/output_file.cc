#include "loadgen/base/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <system_error>

namespace httpdyno::loadgen {

namespace {

std::string why(int code) { return std::generic_category().message(code); }

}  // namespace

// A file beside its target, gone at the end unless it has taken the target's place.
class OutputFile::Temporary {
 public:
  explicit Temporary(const std::string& target) : name_(target + ".XXXXXX") {
    fd_ = io::Fd(::mkostemp(name_.data(), O_CLOEXEC));
    if (!fd_) error_ = errno;
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (error_ == 0 && !name_.empty()) ::unlink(name_.c_str());
  }

  int error() const { return error_; }

  // Both: the errno value, or 0.
  int append(std::string_view content) { return write_all(fd_.get(), content); }
  int replace(const std::string& target) {
    // mkostemp makes it private; a result is as readable as any other new file.
    const mode_t mask = ::umask(0);
    ::umask(mask);
    if (::fchmod(fd_.get(), 0666 & ~mask) != 0) return errno;
    if (::fsync(fd_.get()) != 0 && errno != EINVAL) return errno;
    // The close reports what a network file system or a quota has refused so far.
    if (::close(fd_.release()) != 0) return errno;
    if (::rename(name_.c_str(), target.c_str()) != 0) return errno;
    name_.clear();
    return 0;
  }

 private:
  std::string name_;
  io::Fd fd_;
  int error_ = 0;
};

OutputFile::OutputFile() = default;
OutputFile::~OutputFile() = default;

int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

Failure OutputFile::open(const std::string& path) {
  path_ = path;
  if (path.empty() || path == "-") return {};
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    in_place_ = io::Fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!in_place_) return usage_failure(fmt::format("cannot write {}: {}", path, why(errno)));
    return {};
  }
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr), &std::free);
  target_ = resolved ? resolved.get() : path;
  // What commit() will do must be possible: nothing else tells.
  Temporary trial(target_);
  if (trial.error() != 0) return usage_failure(fmt::format("cannot write {}: {}", path, why(trial.error())));
  return {};
}

int OutputFile::write(std::string_view content) {
  if (target_.empty()) return write_all(to_stdout() ? STDOUT_FILENO : in_place_.get(), content);
  if (!temporary_) temporary_ = std::make_unique<Temporary>(target_);
  return temporary_->error() != 0 ? temporary_->error() : temporary_->append(content);
}

Failure OutputFile::result() const {
  if (error_ == 0) return {};
  return run_failure(
      fmt::format("cannot write {}: {}", to_stdout() ? "the standard output" : path_, why(error_)));
}

Failure OutputFile::append(std::string_view content) {
  if (wanted() && error_ == 0) error_ = write(content);
  return result();
}

Failure OutputFile::commit(std::string_view content) {
  if (Failure failure = append(content)) return failure;
  if (temporary_) error_ = temporary_->replace(target_);
  temporary_.reset();
  return result();
}

Failure print_summary(int fd, std::string_view text) {
  const int code = write_all(fd, text);
  if (code == 0) return {};
  return run_failure("cannot print the summary: " + std::generic_category().message(code));
}

}  // namespace httpdyno::loadgen
