// The methods that the core knows (RFC 9110 section 9, PATCH of RFC 5789). All others, CONNECT and TRACE too,
// are 501.
#pragma once

#include <cstdint>
#include <string_view>

namespace httpdyno::http {

enum class Method : std::uint8_t { get, head, post, put, delete_, options, patch };
inline constexpr int kMethodCount = 7;

constexpr std::string_view method_name(Method method) {
  constexpr std::string_view kNames[kMethodCount] = {"GET",    "HEAD",    "POST", "PUT",
                                                     "DELETE", "OPTIONS", "PATCH"};
  return kNames[static_cast<int>(method)];
}

// Methods are case-sensitive (RFC 9110 9.1). False when the name is none of ours.
constexpr bool find_method(std::string_view name, Method& out) {
  for (int i = 0; i < kMethodCount; ++i) {
    if (name == method_name(static_cast<Method>(i))) {
      out = static_cast<Method>(i);
      return true;
    }
  }
  return false;
}

}  // namespace httpdyno::http
