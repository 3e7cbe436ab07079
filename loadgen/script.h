// What every connection says and what it must be answered: prepared once, shared by all, never changed during
// a run.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loadgen/url.h"

namespace httpdyno::loadgen {

// What makes an answer a good one. The first answer of a run sets it (expect_like()).
struct Expectation {
  int status = 200;
  bool check_length = false;
  std::uint64_t body_bytes = 0;  // with check_length
  bool check_body = false;
  std::string body;  // with check_body
};

struct RequestSpec {
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>>
      fields;  // names and values, in order; Host here replaces ours
  std::string body;
  bool has_body = false;
  bool keep_alive = true;
};

// The octets of one request: request line, Host, `fields`, Content-Length where there is a body or the method
// wants one, Connection: close without keep-alive. No field that wrk would not send.
std::string render_request(const Url& url, const RequestSpec& spec);

struct Script {
  std::string batch;              // `pipeline` copies of one request: what one send hands to the kernel
  std::uint32_t pipeline = 1;     // at least 1
  std::size_t request_bytes = 0;  // of one
  bool to_head = false;           // a HEAD: its answer has no body
  bool keep_alive = true;
  Expectation expected;

  // Where request `index` of the batch begins.
  std::size_t offset_of(std::uint32_t index) const { return index * request_bytes; }
};

Script make_script(const Url& url, const RequestSpec& spec, std::uint32_t pipeline);

// `count` times 'x': what wrk's script for a POST sends and what the floor server echoes, so that all
// generators ask the same and all servers answer the same.
std::string deterministic_body(std::size_t count);

}  // namespace httpdyno::loadgen
