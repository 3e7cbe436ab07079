// The request parser: small and browser-sized heads, whole, split in two, and octet by octet.
#include <benchmark/benchmark.h>

#include <string>

#include "bench/micro/requests.h"
#include "net/http/request.h"
#include "net/http/request_parser.h"

namespace httpdyno::micro {
namespace {

using http::RequestParser;

void count_octets(benchmark::State& state, const std::string& head) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(head.size()));
}

void parse_whole(benchmark::State& state, std::string head, std::size_t fields) {
  RequestParser parser{http::ParseLimits()};
  for (auto _ : state) {
    parser.reset();
    const RequestParser::Result result = parser.parse({head.data(), head.size()});
    if (result != RequestParser::Result::complete || parser.fields().size() != fields ||
        parser.request_bytes() != head.size()) {
      return state.SkipWithError("the head was not read as it should be");
    }
  }
  count_octets(state, head);
}
BENCHMARK_CAPTURE(parse_whole, small, kSmallHead, 1);
BENCHMARK_CAPTURE(parse_whole, browser, kBrowserHead, 8);

void parse_split(benchmark::State& state, std::string head) {
  RequestParser parser{http::ParseLimits()};
  std::size_t at = 1;
  for (auto _ : state) {
    parser.reset();
    if (parser.parse({head.data(), at}) != RequestParser::Result::need_more ||
        parser.parse({head.data(), head.size()}) != RequestParser::Result::complete) {
      return state.SkipWithError("a split head was not read as it should be");
    }
    if (++at == head.size()) at = 1;
  }
  count_octets(state, head);
}
BENCHMARK_CAPTURE(parse_split, small, kSmallHead);
BENCHMARK_CAPTURE(parse_split, browser, kBrowserHead);

void parse_octet_by_octet(benchmark::State& state, std::string head) {
  RequestParser parser{http::ParseLimits()};
  for (auto _ : state) {
    parser.reset();
    RequestParser::Result result = RequestParser::Result::need_more;
    for (std::size_t n = 1; n <= head.size(); ++n) result = parser.parse({head.data(), n});
    if (result != RequestParser::Result::complete) return state.SkipWithError("a dripping head was not read");
  }
  count_octets(state, head);
}
BENCHMARK_CAPTURE(parse_octet_by_octet, browser, kBrowserHead);

}  // namespace
}  // namespace httpdyno::micro
