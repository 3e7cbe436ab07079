#include "loadgen/report/recorder.h"

#include <chrono>

#include "loadgen/base/duration.h"
#include "loadgen/base/limits.h"

namespace httpdyno::loadgen {

void Recorder::begin(const Window& window) {
  window_ = window;
  second_began_ = window.from;
  // Where the monotonic clock stands on the calendar, once: nothing is measured by it.
  files_.begin(std::chrono::round<Milliseconds>(std::chrono::seconds(read_wall_seconds()) +
                                                (window.from - read_clock())));
}

void Recorder::add(const Tally& tick, Time now) {
  total_.merge(tick);
  if (now < window_.from) return;
  tick_.clear();
  tick.add_latencies_to(tick_);
  series_.add(tick_);
  if (tick.kinds.size() > 1) {
    kinds_.resize(tick.kinds.size());
    for (std::size_t i = 0; i < kinds_.size(); ++i) kinds_[i].add(tick.kinds[i].latencies);
  }
  if (tick.kernel) kernel_.add(*tick.kernel);
  second_.merge(tick);
  // Ticks end at their time, and are taken a little later.
  const Time end = now - (now - window_.from) % kTick;
  // The last second takes in what would be less than half of one.
  if (end - second_began_ >= 1s && window_.until - end > 500ms) end_second(end);
}

void Recorder::finish(Time now) {
  if (now > second_began_ && now > window_.from) end_second(now);
}

void Recorder::end_second(Time now) {
  const Latencies latencies = second_.latencies();
  SecondFigures figures{.begin_s = to_seconds(second_began_ - window_.from),
                        .length_s = to_seconds(now - second_began_),
                        .sent = second_.sent(),
                        .answered = second_.answered(),
                        .errors = second_.errors().total(),
                        .service = &latencies.service,
                        .first_byte = &latencies.first_byte};
  if (open_loop_) {
    figures.queue = &latencies.queue;
    figures.response = &latencies.response;
  }
  if (second_.kernel) figures.kernel = &*second_.kernel;
  files_.add(figures);
  progress_.second(figures);
  const Histogram& values = (open_loop_ ? latencies.response : latencies.service).values();
  if (values.total() != 0) medians_.push_back(values.percentile(50));
  second_.clear();
  second_began_ = now;
}

std::vector<Measured> Recorder::kinds() const {
  std::vector<Measured> out;
  for (std::size_t i = 0; i < kinds_.size(); ++i) out.emplace_back(total_.kinds[i].latencies, kinds_[i]);
  return out;
}

std::optional<KernelMeasured> Recorder::kernel() const {
  if (!total_.kernel) return {};
  return KernelMeasured(*total_.kernel, kernel_);
}

}  // namespace httpdyno::loadgen
