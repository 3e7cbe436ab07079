// A case through the bare parser, its octets between two forbidden pages.
#pragma once

#include <string>
#include <vector>

#include "tests/guarded.h"

namespace httpdyno::conformance {

enum class Place { front, back };    // which forbidden page the octets touch
enum class Code { vector, scalar };  // how the parser scans
enum class Keep { all, compacted };  // what is done with decoded chunks between two calls

// What the parser makes of all requests in `octets`, cut at `cuts` (ascending), in words that can be compared.
std::string parse_all(Guarded& memory, const std::string& octets, const std::vector<std::size_t>& cuts,
                      Place place, Code code, Keep keep);

}  // namespace httpdyno::conformance
