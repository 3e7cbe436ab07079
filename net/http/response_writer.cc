#include "net/http/response_writer.h"

#include <cstdint>
#include <cstring>

#include "net/http/status.h"

namespace httpdyno::http {

namespace {

char* put(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

// At most 20 digits.
char* put_decimal(char* out, std::uint64_t value) {
  char digits[20];
  char* first = digits + sizeof digits;
  do {
    *--first = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return put(out, {first, static_cast<std::size_t>(digits + sizeof digits - first)});
}

constexpr std::string_view kContentType = "Content-Type: ";
constexpr std::string_view kContentLength = "Content-Length: ";
constexpr std::string_view kLineEnd = "\r\n";
// Everything of a head that is not the status line, the type or the handler's fields.
constexpr std::size_t kFixedBytes = kContentType.size() + kContentLength.size() + 20 + 2 * kLineEnd.size();

}  // namespace

void write_head(const Response& response, ByteBuffer& out) {
  std::string_view status = status_line(response.status());
  const bool known = !status.empty();
  if (!known) status = status_line(500);
  const std::string_view type = response.content_type();

  char* const begin = out.reserve(status.size() + type.size() + response.fields().size() + kFixedBytes);
  char* at = put(begin, status);
  if (!type.empty()) at = put(put(put(at, kContentType), type), kLineEnd);
  // No Content-Length in 1xx and 204 (RFC 9110 8.6). A 304 would have to repeat the length of the 200: it has
  // none.
  if (status_has_content(response.status())) {
    at = put(put_decimal(put(at, kContentLength), response.body().size()), kLineEnd);
  }
  if (!response.fields().empty()) at = put(at, response.fields());
  out.commit(static_cast<std::size_t>(at - begin));
}

std::string_view content_of(const Response& response, bool head_request) {
  return head_request || !status_has_content(response.status()) ? std::string_view() : response.body();
}

}  // namespace httpdyno::http
