#include "net/http/response_writer.h"

#include <cstdint>
#include <cstring>

#include "net/base/octets.h"
#include "net/http/status.h"

namespace httpdyno::http {

namespace {

template <std::size_t n>
char* put(char* out, const char (&literal)[n]) {
  std::memcpy(out, literal, n - 1);
  return out + n - 1;
}

char* put_decimal(char* out, std::uint64_t value) {
  char digits[kDecimalBytesMax];
  char* first = digits + sizeof digits;
  do {
    *--first = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return put_octets(out, {first, static_cast<std::size_t>(digits + sizeof digits - first)});
}

char* put_length(char* out, std::uint64_t length) {
  out = put(out, "Content-Length: ");
  if (length < 10) {
    *out++ = static_cast<char>('0' + length);
  } else if (length < 100) {
    *out++ = static_cast<char>('0' + length / 10);
    *out++ = static_cast<char>('0' + length % 10);
  } else {
    out = put_decimal(out, length);
  }
  return put(out, "\r\n");
}

bool is_chunked(const BodyStream& stream, int minor_version) {
  return !stream.has_length() && minor_version > 0;
}

char* put_framing(char* out, const BodyStream& stream, int minor_version) {
  if (stream.has_length()) return put_length(out, stream.length());
  return is_chunked(stream, minor_version) ? put(out, "Transfer-Encoding: chunked\r\n") : out;
}

}  // namespace

char* write_head(const Response& response, int minor_version, char* out) {
  std::string_view status = status_line(response.status());
  if (status.empty()) status = status_line(500);
  // A copy of constant size needs no call; what is too much is overwritten.
  std::memcpy(out, status.data(), kPaddedStatusLine);
  out += status.size();

  const std::string_view type = response.content_type();
  if (!type.empty()) out = put(put_octets(put(out, "Content-Type: "), type), "\r\n");
  // No Content-Length in 1xx and 204 (RFC 9110 8.6). A 304 would have to repeat the length of the 200: it has
  // none.
  if (status_has_content(response.status())) {
    const BodyStream* stream = response.body_stream();
    out = stream == nullptr ? put_length(out, response.body().size())
                            : put_framing(out, *stream, minor_version);
  }
  if (!response.fields().empty()) out = put_octets(out, response.fields());
  return out;
}

std::unique_ptr<BodyStream> take_stream(Response& response, bool head_request, int minor_version) {
  if (response.body_stream() == nullptr) return nullptr;
  std::unique_ptr<BodyStream> stream = response.take_body_stream();
  if (head_request || !status_has_content(response.status())) return nullptr;
  if (is_chunked(*stream, minor_version)) stream->send_in_chunks();
  return stream;
}

}  // namespace httpdyno::http
