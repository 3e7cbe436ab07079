// Octets as text: Base64 with the standard alphabet and padding (RFC 4648, section 4).
#pragma once

#include <string>
#include <string_view>

namespace httpdyno::loadgen {

std::string to_base64(std::string_view octets);

// False when `text` is not what to_base64() gives: another alphabet, blanks, padding that is missing or not
// zero.
bool from_base64(std::string_view text, std::string& octets);

}  // namespace httpdyno::loadgen
