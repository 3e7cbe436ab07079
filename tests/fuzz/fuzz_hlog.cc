// What is read from a log of histograms, or from one encoded histogram, is whole, and is written as it was read.
#include <algorithm>
#include <string>

#include "loadgen/figures/hdr_encoding.h"
#include "loadgen/figures/hlog.h"
#include "net/base/assert.h"
#include "tests/fuzz/fuzz.h"

namespace httpdyno::fuzz {
namespace {

using loadgen::Histogram;
using loadgen::HlogInterval;
using loadgen::HlogParser;

// Sums and bounds agree with the counts.
void check_histogram(const Histogram& histogram) {
  std::int64_t total = 0;
  histogram.each_recorded([&](std::int64_t lowest, std::int64_t highest, std::int64_t count) {
    if (total == 0) ASSERT(lowest == histogram.min());
    ASSERT(count > 0 && highest <= histogram.max());
    total += count;
  });
  ASSERT(total == histogram.total());
  ASSERT(histogram.percentile(100) == histogram.max());
}

void check_encoding(std::string_view octets) {
  static Histogram read;
  static Histogram again;
  const Exact input(octets);
  if (!loadgen::decode(input.view(), read).empty()) return;
  check_histogram(read);
  const std::string encoded = loadgen::encode(read);
  ASSERT(encoded.size() <= loadgen::kEncodedBytesMax);
  ASSERT(loadgen::decode(encoded, again).empty() && loadgen::encode(again) == encoded);
}

void check_interval(const HlogInterval& interval) {
  check_histogram(interval.histogram);
  const std::string line =
      loadgen::hlog_line(interval.tag, interval.begin, interval.length, interval.histogram);
  HlogParser parser;
  ASSERT(parser.parse("#[Histogram log format version 1.3]") == HlogParser::Line::comment);
  ASSERT(parser.parse(std::string_view(line).substr(0, line.size() - 1)) == HlogParser::Line::interval);
  const HlogInterval& again = parser.interval();
  ASSERT(again.tag == interval.tag && again.begin == interval.begin && again.length == interval.length);
  ASSERT(loadgen::encode(again.histogram) == loadgen::encode(interval.histogram));
}

void check_log(std::string_view text) {
  HlogParser parser;
  while (!text.empty()) {
    const Exact line(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(line.view().size() + 1, text.size()));
    const HlogParser::Line kind = parser.parse(line.view());
    ASSERT((kind == HlogParser::Line::wrong) == !parser.error().empty());
    if (kind == HlogParser::Line::wrong) return;
    if (kind == HlogParser::Line::interval) check_interval(parser.interval());
  }
}

}  // namespace
}  // namespace httpdyno::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace httpdyno::fuzz;
  // An encoded histogram begins with an octet that no log begins with.
  const std::string_view input = text_of(data, size);
  if (input.starts_with('\x1c')) {
    check_encoding(input);
  } else {
    check_log(input);
  }
  return 0;
}
