#include "net/http/status.h"

namespace httpdyno::http {

std::string_view reason_phrase(int status) {
  std::string_view line = status_line(status);
  if (line.empty()) return {};
  line.remove_prefix(std::string_view("HTTP/1.1 200 ").size());
  line.remove_suffix(2);
  return line;
}

std::string_view status_line(int status) {
  switch (status) {
#define STATUS(code, phrase)                                                              \
  case code: {                                                                            \
    static constexpr char kLine[kPaddedStatusLine] = "HTTP/1.1 " #code " " phrase "\r\n"; \
    return {kLine, sizeof("HTTP/1.1 " #code " " phrase "\r\n") - 1};                      \
  }
#include "net/http/statuses.def"
#undef STATUS
    default: return {};
  }
}

}  // namespace httpdyno::http
