#include "loadgen/work/script.h"

#include "net/base/assert.h"

namespace httpdyno::loadgen {

std::uint32_t Script::draw(Prng& random) const {
  std::uint64_t ticket = random.below(weight_sum);
  std::uint32_t index = 0;
  while (ticket >= kinds[index].weight) ticket -= kinds[index++].weight;
  return index;
}

Script make_script(const Url& url, std::span<const RequestSpec> specs, std::uint32_t pipeline,
                   std::uint64_t requests_per_connection) {
  ASSERT(!specs.empty() && pipeline >= 1 && requests_per_connection >= 1);
  Script script;
  script.weight_sum = 0;
  script.pipeline = pipeline;
  script.requests_per_connection = requests_per_connection;
  for (const RequestSpec& spec : specs) {
    ASSERT(spec.weight >= 1);
    script.weight_sum += spec.weight;
    script.kinds.push_back({.octets = render_request(url, spec),
                            .last_octets = render_request(url, spec, Persistence::close),
                            .weight = spec.weight,
                            .to_head = spec.method == "HEAD",
                            .expected = {}});
  }
  if (script.kinds.size() > 1) return script;
  const RequestKind& only = script.kinds.front();
  script.batch.reserve(only.octets.size() * pipeline);
  for (std::uint32_t i = 0; i < pipeline; ++i) script.batch += only.octets;
  if (requests_per_connection != Script::kUnlimited) {
    script.last_batch = script.batch.substr(only.octets.size()) + only.last_octets;
  }
  return script;
}

// Both steps scramble: neighbouring seeds and neighbouring connections begin far apart in the generator's
// cycle.
Prng draws_of_connection(std::uint64_t seed, std::uint64_t index) {
  return Prng(Prng(Prng(seed).next() + index).next());
}

}  // namespace httpdyno::loadgen
