#include "loadgen/report/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include "loadgen/base/duration.h"
#include "loadgen/base/output_file.h"
#include "loadgen/base/text.h"

namespace httpdyno::loadgen {

namespace {

constexpr std::string_view kClearLine = "\r\x1b[K";

}  // namespace

Progress::Progress() : shown_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (dirty_) write_all(STDERR_FILENO, kClearLine);
}

void Progress::show(const char* phase, Duration elapsed, Duration total, std::uint64_t answered) {
  if (!shown_) return;
  const double seconds = to_seconds(elapsed - last_elapsed_);
  const double rate = seconds > 0 ? static_cast<double>(answered - last_answered_) / seconds : 0;
  last_elapsed_ = elapsed;
  last_answered_ = answered;
  dirty_ = true;
  write_all(STDERR_FILENO, fmt::format("{}{} {:.0f} of {:.3g} s, {} requests, {} per second", kClearLine,
                                       phase, to_seconds(elapsed), to_seconds(total), grouped(answered),
                                       grouped(static_cast<std::uint64_t>(rate))));
}

}  // namespace httpdyno::loadgen
