// One request as it is asked for: what it may hold, and its octets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loadgen/base/url.h"

namespace httpdyno::loadgen {

struct RequestSpec {
  std::string name;          // in a mix: its kind's
  std::uint64_t weight = 1;  // in a mix: its share, over the sum of all weights
  std::string method = "GET";
  std::string target;  // empty: the URL's
  std::vector<std::pair<std::string, std::string>>
      fields;  // names and values, in order; Host here replaces ours
  std::string body;
  bool has_body = false;
  int expected_status = 0;  // 0: any below 400 that the first answer has

  // Where it goes, on the server of `base`.
  Url url_on(Url base) const {
    if (!target.empty()) base.target = target;
    return base;
  }
};

// What is wrong with it, as a clause ("is no method"), or an empty view.
std::string_view method_fault(std::string_view method);
std::string_view field_fault(std::string_view name, std::string_view value);

// Without a method of its own a request is a GET, with a body a POST.
std::string_view default_method(bool has_body);

// Whether the request says Connection: close.
enum class Persistence : std::uint8_t { keep_alive, close };

// The octets of one request: request line, Host, `fields`, Content-Length where there is a body or the method
// wants one, Connection: close. No field that wrk would not send.
std::string render_request(const Url& url, const RequestSpec& spec,
                           Persistence persistence = Persistence::keep_alive);

// `count` times 'x': what wrk's script for a POST sends and what the floor server echoes, so that all
// generators ask the same and all servers answer the same.
std::string deterministic_body(std::size_t count);

}  // namespace httpdyno::loadgen
