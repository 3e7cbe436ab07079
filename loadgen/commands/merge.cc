#include "loadgen/commands/merge.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/base/input_lines.h"
#include "loadgen/base/limits.h"
#include "loadgen/base/output_file.h"
#include "loadgen/base/text.h"
#include "loadgen/figures/batches.h"
#include "loadgen/figures/hgrm.h"
#include "loadgen/figures/hlog.h"
#include "loadgen/figures/latency.h"
#include "loadgen/figures/quantile.h"
#include "loadgen/report/quantile_text.h"

namespace httpdyno::loadgen {

namespace {

// A log, one interval at a time.
class Source {
 public:
  Failure open(const std::string& path) {
    if (Failure failure = lines_.open(path, kHlogLineBytesMax)) return failure;
    return advance();
  }

  bool done() const { return !more_; }
  const HlogInterval& interval() const { return parser_.interval(); }
  Milliseconds base() const { return parser_.base(); }
  // Since the Unix epoch, as the bases of logs differ.
  Milliseconds begin() const { return parser_.base() + interval().begin; }
  // Of the interval's line.
  Failure wrong(std::string_view reason) const { return lines_.wrong(reason); }

  Failure advance() {
    const Milliseconds before = interval().begin;
    for (;;) {
      if (Failure failure = lines_.next(more_)) return failure;
      if (!more_) return parser_.finish() ? Failure{} : wrong(parser_.error());
      const HlogParser::Line line = parser_.parse(lines_.line());
      if (line == HlogParser::Line::wrong) return wrong(parser_.error());
      if (line == HlogParser::Line::comment) continue;
      return interval().begin < before ? wrong("begins before the interval above it") : Failure{};
    }
  }

 private:
  InputLines lines_;
  HlogParser parser_;
  bool more_ = false;
};

// Intervals, one for each tag, in order of appearance.
class ByTag {
 public:
  const std::vector<HlogInterval>& all() const { return intervals_; }
  // How many there are, when there is none.
  std::size_t index_of(std::string_view tag) const {
    const auto found = std::find_if(intervals_.begin(), intervals_.end(),
                                    [&](const HlogInterval& each) { return each.tag == tag; });
    return static_cast<std::size_t>(found - intervals_.begin());
  }
  // Null when there is none.
  const Histogram* find(std::string_view tag) const {
    const std::size_t index = index_of(tag);
    return index == intervals_.size() ? nullptr : &intervals_[index].histogram;
  }

  // An interval that is longer makes the sum longer.
  void add(const HlogInterval& interval, Milliseconds begin) {
    const std::size_t index = index_of(interval.tag);
    if (index == intervals_.size()) {
      intervals_.push_back({.tag = interval.tag, .begin = begin, .length = {}, .histogram = {}});
    }
    HlogInterval& sum = intervals_[index];
    sum.length = std::max(sum.length, begin + interval.length - sum.begin);
    sum.histogram.merge(interval.histogram);
  }

 private:
  std::vector<HlogInterval> intervals_;
};

class Merge {
 public:
  Failure read(const std::vector<std::string>& paths);

  const ByTag& totals() const { return totals_; }
  const std::string& log() const { return log_; }
  std::string summary(std::size_t files) const;

 private:
  Failure take_all_at(Milliseconds begin);
  Failure fits(const Source& source) const;

  std::vector<std::unique_ptr<Source>> sources_;
  Milliseconds base_{};
  ByTag totals_;
  std::vector<Batches> batches_;  // of the totals, in their order
  std::uint64_t intervals_ = 0;
  std::string log_;
};

Failure Merge::read(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    sources_.push_back(std::make_unique<Source>());
    if (Failure failure = sources_.back()->open(path)) return failure;
  }
  const auto none_left = [&] {
    std::erase_if(sources_, [](const auto& source) { return source->done(); });
    return sources_.empty();
  };
  if (none_left()) return usage_failure("there is no interval in what is to be merged");
  base_ = (*std::min_element(sources_.begin(), sources_.end(), [](const auto& a, const auto& b) {
            return a->base() < b->base();
          }))->base();
  log_ = hlog_header(base_);
  while (!none_left()) {
    const auto& next = *std::min_element(sources_.begin(), sources_.end(), [](const auto& a, const auto& b) {
      return a->begin() < b->begin();
    });
    if (Failure failure = take_all_at(next->begin())) return failure;
  }
  return {};
}

Failure Merge::take_all_at(Milliseconds begin) {
  ByTag sums;
  for (const auto& source : sources_) {
    while (!source->done() && source->begin() == begin) {
      if (Failure failure = fits(*source)) return failure;
      sums.add(source->interval(), begin - base_);
      totals_.add(source->interval(), begin - base_);
      if (Failure failure = source->advance()) return failure;
    }
  }
  batches_.resize(totals_.all().size());
  for (const HlogInterval& sum : sums.all()) {
    log_ += hlog_line(sum.tag, sum.begin, sum.length, sum.histogram);
    batches_[totals_.index_of(sum.tag)].add(sum.histogram);
  }
  intervals_ += sums.all().size();
  return {};
}

// Whether there is room for the source's interval.
Failure Merge::fits(const Source& source) const {
  const HlogInterval& interval = source.interval();
  const Histogram* const total = totals_.find(interval.tag);
  if (total == nullptr && totals_.all().size() == kHlogTagsMax) {
    return source.wrong(
        fmt::format("has the tag '{}', one more than the {} that there may be", interval.tag, kHlogTagsMax));
  }
  const std::int64_t held = total == nullptr ? 0 : total->total();
  return interval.histogram.total() > kHlogValuesMax - held
             ? source.wrong("makes the values too many to count")
             : Failure{};
}

// "p99.9  ≥ 2.00 s  1.98 s to 2.10 s"
std::string quantile_line(const Quantile& quantile) {
  const std::string name = fmt::format("p{}", quantile.percent);
  const std::string interval = interval_text(quantile);
  return fmt::format("  {:<7} {:>10}{}{}\n", name, value_text(quantile), interval.empty() ? "" : "   ",
                     interval);
}

std::string Merge::summary(std::size_t files) const {
  std::string text =
      fmt::format("{} {}, {} intervals; each percentile with its interval of 95 % confidence\n",
                  grouped(files), files == 1 ? "log" : "logs merged", grouped(intervals_));
  for (std::size_t i = 0; i < totals_.all().size(); ++i) {
    const HlogInterval& total = totals_.all()[i];
    const std::string_view tag = total.tag;
    if (tag.ends_with(kCensoredSuffix) &&
        totals_.find(tag.substr(0, tag.size() - kCensoredSuffix.size())) != nullptr)
      continue;
    const Histogram* const bounds = totals_.find(fmt::format("{}{}", tag, kCensoredSuffix));
    const Latency latency(total.histogram, bounds == nullptr ? Histogram() : *bounds);
    text += fmt::format("{}: {} values", tag.empty() ? "without a tag" : tag,
                        grouped(static_cast<std::uint64_t>(latency.values().total())));
    if (latency.censored() != 0)
      text +=
          fmt::format(", {} of them lower bounds", grouped(static_cast<std::uint64_t>(latency.censored())));
    text += '\n';
    for (const double percent : {50.0, 90.0, 99.0, 99.9, 99.99})
      text += quantile_line(quantile(latency, batches_[i], percent));
    if (latency.values().total() == 0) continue;
    text += fmt::format("  {:<7} {:>10}\n", "max",
                        (latency.censored() != 0 ? "≥ " : "") + with_unit_of_time(latency.values().max()));
  }
  return text;
}

// The tag whose distribution is wanted, or null and why.
const Histogram* chosen(const ByTag& totals, const std::string& tag, Failure& failure) {
  if (!tag.empty()) {
    if (const Histogram* const found = totals.find(tag)) return found;
    failure = usage_failure(fmt::format("--tag {}: there is no such tag in what is to be merged", tag));
    return nullptr;
  }
  for (const char* usual : {"response", "service"}) {
    if (const Histogram* const found = totals.find(usual)) return found;
  }
  return &totals.all().front().histogram;
}

}  // namespace

int merge(const MergeOptions& options, Failure& failure) {
  OutputFile log;
  OutputFile distribution;
  if ((failure = log.open(options.hlog_path))) return failure.exit_code;
  if ((failure = distribution.open(options.hgrm_path))) return failure.exit_code;
  Merge merge;
  if ((failure = merge.read(options.paths))) return failure.exit_code;
  const Histogram* const of_tag = chosen(merge.totals(), options.tag, failure);
  if (of_tag == nullptr) return failure.exit_code;

  if ((failure = log.commit(merge.log()))) return failure.exit_code;
  if (distribution.wanted() && (failure = distribution.commit(percentile_distribution(*of_tag))))
    return failure.exit_code;
  const int summary_fd = log.to_stdout() || distribution.to_stdout() ? STDERR_FILENO : STDOUT_FILENO;
  failure = print_summary(summary_fd, merge.summary(options.paths.size()));
  return failure.exit_code;
}

}  // namespace httpdyno::loadgen
