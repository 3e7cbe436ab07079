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

Progress::Progress(bool live) : live_(live), shown_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (dirty_) write_all(STDERR_FILENO, kClearLine);
}

// "3 s  49,998 per second  p50 45.1 µs  p99 120 µs  max 1.20 ms  2 errors"
void Progress::second(const SecondFigures& second) {
  if (!live_) return;
  const Histogram& values = (second.response != nullptr ? second.response : second.service)->values();
  std::string line = fmt::format(
      "{:.0f} s  {} per second", second.begin_s + second.length_s,
      grouped(static_cast<std::uint64_t>(static_cast<double>(second.answered) / second.length_s)));
  if (values.total() != 0) {
    line += fmt::format("  p50 {}  p99 {}  max {}", with_unit_of_time(values.percentile(50)),
                        with_unit_of_time(values.percentile(99)), with_unit_of_time(values.max()));
  }
  if (second.errors != 0) line += fmt::format("  {} errors", grouped(second.errors));
  write_all(STDERR_FILENO, fmt::format("{}{}\n", dirty_ ? kClearLine : "", line));
  dirty_ = false;
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
