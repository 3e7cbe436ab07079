// The rest of a response whose body is streamed: where it is pulled from, how it is framed, and how it went.
#pragma once

#include <cstdint>
#include <memory>

#include "net/base/byte_buffer.h"
#include "net/http/body_stream.h"
#include "net/http/request_parser.h"
#include "net/http/response.h"
#include "net/http/response_writer.h"
#include "net/http/status.h"
#include "server/config.h"

namespace httpdyno {

// Empty, or a stream that has not come to its end. With a pool it goes from the connection to a worker and back.
class StreamedBody {
 public:
  using Result = http::BodyStream::Result;

  StreamedBody() = default;
  // Takes the stream of a response. Empty when it has none, or when no content may follow its head.
  StreamedBody(http::Response& response, const http::RequestParser& request) {
    if (response.body_stream() == nullptr) return;
    stream_ = response.take_body_stream();
    chunked_ = http::is_chunked(*stream_, request.minor_version());
    if (request.is_head() || !http::status_has_content(response.status())) stream_.reset();
  }

  explicit operator bool() const { return stream_ != nullptr; }
  // How the last pull() went.
  Result result() const { return result_; }

  // Appends the next block to `out`: one piece, so that what a producer had to wait for is sent at once.
  void pull(ByteBuffer& out) { result_ = stream_->pull(out, kStreamBlockBytes, chunked_); }

 private:
  std::unique_ptr<http::BodyStream> stream_;
  bool chunked_ = false;
  Result result_ = Result::more;
};

}  // namespace httpdyno
