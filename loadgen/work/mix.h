// The file of a mixed workload: kinds of requests, drawn by weight.
//
//   {"requests": [{"name": "trivial", "weight": 95, "path": "/plaintext"},
//                 {"name": "waiting", "weight": 5, "path": "/sleep/5"}]}
//
// Each may also have "method", "headers" (an object), "body" (text) or "body_bytes", and "expect_status".
// What the reader does not know is refused: a misspelt member would change what is measured without a word.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loadgen/base/failure.h"
#include "loadgen/work/request.h"

namespace httpdyno::loadgen {

// `text` is what the file at `path` holds. Each request is `base` (fields and persistence of the command
// line) with what the file says. The failure names the file, the place in it and what belongs there.
Failure parse_mix(const std::string& path, std::string_view text, const RequestSpec& base,
                  std::vector<RequestSpec>& out);

}  // namespace httpdyno::loadgen
