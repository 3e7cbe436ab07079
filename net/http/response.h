// A response as a handler fills it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/http/body_stream.h"

namespace httpdyno::http {

// Reused from request to request, so that its memory is, too. One thread at a time.
//
// The core adds Content-Length, Date and Connection; a handler cannot set them. Without a call a response is
// 200 with an empty body of type text/plain.
class Response {
 public:
  // 200 to 599. A code without a phrase in statuses.def is answered as 500.
  void set_status(int status) { status_ = status; }
  int status() const { return status_; }

  // The view is read after the handler has returned: a literal. Empty: no Content-Type. False, and nothing
  // changed, when it holds CR, LF, NUL or another control (response splitting, RFC 9110 5.5).
  bool set_content_type(std::string_view type);
  std::string_view content_type() const { return content_type_; }

  // Adds a field; both are copied. False, and nothing added, when the name is no token, the value holds a
  // control, or the name is one that the core sets itself (Content-Type, Content-Length, Transfer-Encoding,
  // Connection, Date).
  [[nodiscard]] bool add_field(std::string_view name, std::string_view value);
  // The fields as "Name: value\r\n" one after another.
  std::string_view fields() const { return fields_; }

  // The octets are not copied when this is called, but after the handler has returned: a literal, or a part
  // of the request.
  void set_body(std::string_view view) { body_ = view; }
  // Takes the octets over.
  void set_body(std::string&& owned) {
    owned_ = std::move(owned);
    body_ = owned_;
  }
  // So that a literal does not become a std::string.
  void set_body(const char* literal) { set_body(std::string_view(literal)); }
  std::string_view body() const { return body_; }

  // Instead of a body: the content is pulled from `producer` as the client takes it. Chunked for HTTP/1.1; an
  // HTTP/1.0 client reads until the connection ends, and cannot tell a content that broke off from a whole one.
  void stream_body(BodyProducer producer) {
    stream_body(BodyStream::kUnknownLength, std::move(producer));
    closes_[0] = true;
  }
  // The same with a Content-Length, in octets; the producer must yield neither more nor less.
  void stream_body(std::uint64_t length, BodyProducer producer) {
    stream_ = std::make_unique<BodyStream>(length, std::move(producer));
  }
  const BodyStream* body_stream() const { return stream_.get(); }
  // A body that was set besides is no more.
  std::unique_ptr<BodyStream> take_body_stream() {
    body_ = {};
    return std::move(stream_);
  }

  // Ends the connection after this response.
  void close_connection() { closes_ = {true, true}; }
  // Whether it is to be ended when the request was HTTP/1.`minor_version`.
  bool closes_connection(int minor_version) const { return closes_[static_cast<std::size_t>(minor_version)]; }

  // Back to the start, keeping the memory for fields. An owned body goes back to the allocator.
  void reset() {
    status_ = 200;
    closes_ = {};
    content_type_ = kTextPlain;
    fields_.clear();
    body_ = {};
    if (stream_ != nullptr) [[unlikely]]
      stream_.reset();
    // Small strings hold no memory; a large one would be kept for nothing, because bodies are moved in.
    if (owned_.capacity() > sizeof(std::string)) [[unlikely]]
      std::string().swap(owned_);
  }

 private:
  int status_ = 200;
  std::array<bool, 2> closes_{};
  std::string_view content_type_ = kTextPlain;
  std::string fields_;
  std::string owned_;
  std::string_view body_;
  std::unique_ptr<BodyStream> stream_;

  static constexpr std::string_view kTextPlain = "text/plain; charset=utf-8";
};

}  // namespace httpdyno::http
