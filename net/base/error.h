// An expected failure as a value: the errno at the call, and which call it was.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace httpdyno {

struct [[nodiscard]] Error {
  int code = 0;           // an errno value; 0 is "no error"
  const char* what = "";  // a literal that names the failed step, such as "bind"

  explicit operator bool() const { return code != 0; }
  // "bind: Address already in use"
  std::string message() const { return std::string(what) + ": " + std::generic_category().message(code); }
};

// Captures errno at the failed call.
inline Error last_error(const char* what) { return Error{errno, what}; }

}  // namespace httpdyno
