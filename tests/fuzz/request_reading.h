// What the request parser makes of a stream that comes in pieces, in words that can be compared.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/http/request_parser.h"
#include "tests/fuzz/fuzz.h"

namespace httpdyno::fuzz {

struct Reading {
  std::vector<std::string> requests;  // the whole ones, in order
  std::vector<std::string> bodies;    // theirs
  // What became of the octets behind them: need_more or refused.
  http::RequestParser::Result end = http::RequestParser::Result::need_more;
  std::string why;  // refused: the name of the error, and whether the answer goes to a HEAD

  friend bool operator==(const Reading&, const Reading&) = default;
};

// `served`: as in a server, one that is reset from request to request. `plain`: without vector code, and a new one for
// each request, which can have nothing left over from the one before.
enum class Parsers : std::uint8_t { served, plain };

// Reads `stream` as a connection does: octets that are unfinished are kept, compacted and moved. Aborts when a
// request that the parser calls whole breaks a rule of the grammar or of framing, or when a range leaves the octets.
Reading read_requests(std::string_view stream, const Pieces& pieces, const http::ParseLimits& limits,
                      Parsers parsers = Parsers::served);

}  // namespace httpdyno::fuzz
