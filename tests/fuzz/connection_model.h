// What a client that sent these octets is owed: the answers of the core, without its loop.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/http/request.h"
#include "net/http/response.h"
#include "server/config.h"

namespace httpdyno::fuzz {

// The application of the fuzzed server. What it answers depends on the request alone.
struct App {
  void operator()(const http::Request& request, http::Response& response) const;
};

struct Answer {
  int status = 0;
  std::string body;
  bool to_head = false;
  bool keep_alive = true;
  bool refusal = false;  // by the parser; its words are not compared
  bool broken = false;   // its producer fails: it ends somewhere, and the connection with it
};

// In the order of the requests, up to the one that ends the connection.
std::vector<Answer> expected_answers(std::string_view sent, const Config& config);

// What the server wrote; `expected` says which of them answer a HEAD. Aborts when it is no sequence of well-formed
// responses; only the last may be cut off, and only when it is broken or where `may_be_cut` (it is then left out).
std::vector<Answer> parse_answers(std::string_view written, const std::vector<Answer>& expected,
                                  bool may_be_cut);

}  // namespace httpdyno::fuzz
