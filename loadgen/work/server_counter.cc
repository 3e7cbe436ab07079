#include "loadgen/work/server_counter.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "loadgen/work/exchange.h"
#include "loadgen/work/request.h"

namespace httpdyno::loadgen {

ServerCounter::ServerCounter(const Url& url, const io::Address& server, const std::string& path,
                             Duration timeout)
    : url_(url), server_(server), timeout_(timeout) {
  url_.target = path;
}

Failure ServerCounter::read(std::uint64_t& count) const {
  const std::string request = render_request(url_, RequestSpec(), Persistence::close);
  Answer answer;
  if (Failure failure = exchange(server_, request, false, timeout_, answer)) return failure;
  if (answer.status != 200) {
    return run_failure(fmt::format("{} answered {}: no counter to compare with", url_.text(), answer.status));
  }
  const auto json = nlohmann::json::parse(answer.body, nullptr, false);
  const auto member = json.is_object() ? json.find("requests") : json.end();
  if (!json.is_object() || member == json.end() || !member->is_number_unsigned()) {
    return run_failure(fmt::format("{} has no whole number named \"requests\" in its answer", url_.text()));
  }
  count = member->get<std::uint64_t>();
  return {};
}

Failure ServerCounter::begin() {
  std::uint64_t first = 0;
  if (Failure failure = read(first)) return failure;
  if (Failure failure = read(before_)) return failure;
  per_read_ = before_ - first;
  if (per_read_ <= 1) return {};
  return run_failure(fmt::format(
      "{} counted {} requests between two reads: somebody else is using the server", url_.text(), per_read_));
}

Failure ServerCounter::end(std::uint64_t& counted) {
  std::uint64_t after = 0;
  if (Failure failure = read(after)) return failure;
  counted = after - before_ - per_read_;
  return {};
}

}  // namespace httpdyno::loadgen
