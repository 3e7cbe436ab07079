// What every connection says and what it must be answered: prepared once, shared by all, never changed during
// a run. A script is a mix of kinds of requests; one request is the mix of one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "loadgen/base/url.h"
#include "loadgen/work/request.h"
#include "net/base/prng.h"

namespace httpdyno::loadgen {

// What makes an answer a good one. The first answer of a kind sets it (expect_like()).
struct Expectation {
  int status = 200;
  bool check_length = false;
  std::uint64_t body_bytes = 0;  // with check_length
  bool check_body = false;
  std::string body;  // with check_body
};

// All requests of one kind are equal, octet for octet; but the last of a connection says Connection: close.
struct RequestKind {
  std::string octets;
  std::string last_octets;
  std::uint64_t weight = 1;
  bool to_head = false;  // a HEAD: its answer has no body
  Expectation expected;
};

struct Script {
  std::vector<RequestKind> kinds;  // at least one
  std::uint64_t weight_sum = 1;    // of all kinds
  std::string batch;  // of an only kind: `pipeline` copies, what one send hands to the kernel; else empty
  std::string last_batch;      // the same, with the last request of a connection at its end
  std::uint32_t pipeline = 1;  // requests in a batch, at least 1
  std::uint64_t requests_per_connection = kUnlimited;  // at least 1

  static constexpr std::uint64_t kUnlimited = UINT64_MAX;

  bool is_mix() const { return batch.empty(); }
  // A connection may have more than one request.
  bool keep_alive() const { return requests_per_connection != 1; }
  // The index of the next request's kind: each kind's chance is its weight over weight_sum.
  std::uint32_t draw(Prng& random) const;
};

// `specs` holds one request for each kind, at least one.
Script make_script(const Url& url, std::span<const RequestSpec> specs, std::uint32_t pipeline,
                   std::uint64_t requests_per_connection = Script::kUnlimited);

// What connection `index` of a run draws its kinds by: the same for the same seed, however the connections
// are spread over threads.
Prng draws_of_connection(std::uint64_t seed, std::uint64_t index);

}  // namespace httpdyno::loadgen
