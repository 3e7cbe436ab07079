// A second reader of responses, plain and slow, that has the whole stream: what the parser is held against.
#pragma once

#include <string>
#include <string_view>

#include "net/http/response_parser.h"

namespace httpdyno::fuzz {

std::string describe(const http::ResponseHead& head);

// The stream in words: of each response describe(), the body and a line; then how the stream ends. It knows no
// limits.
std::string read_plainly(std::string_view stream, bool to_head);

inline constexpr std::string_view kComplete = "\ncomplete\n";
inline constexpr std::string_view kCompleteAtEnd = "\ncomplete at the end";

}  // namespace httpdyno::fuzz
