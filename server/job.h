// One request on its way through a pool of workers.
#pragma once

#include <atomic>
#include <memory>

#include "net/base/byte_buffer.h"
#include "net/http/response_writer.h"
#include "net/io/io.h"
#include "server/config.h"
#include "server/handler.h"
#include "server/request_frame.h"

namespace httpdyno {

// It owns everything that a worker touches, so its connection may go at any time. Owned by the loop, except between
// submit() and collect(): then by the pool and its workers, and only `abandoned` may be set.
struct Job {
  io::ConnId connection;
  // The loop's: nobody waits for it any more. A hint for a worker that has not begun, which need not; the whole truth
  // for the loop when the job comes back.
  std::atomic<bool> abandoned{false};
  bool ran = false;
  RequestFrame* frame = nullptr;  // the request; null when only a block of `stream` is wanted
  http::Response response;
  ByteBuffer head;  // the worker's: what write_head() made
  bool threw = false;
  std::unique_ptr<http::BodyStream> stream;  // of a response before, or of this one
  ByteBuffer block;                          // the worker's: what it pulled
  Job* next = nullptr;

  // The worker's part.
  template <Handler H>
  void run(H& handler) {
    ran = true;
    if (frame != nullptr) {
      threw = !run_handler(handler, frame->request(), response);
      char* const begin = head.reserve(http::head_bytes_max(response));
      const int minor_version = frame->parser->minor_version();
      head.commit(static_cast<std::size_t>(http::write_head(response, minor_version, begin) - begin));
      stream = http::take_stream(response, frame->parser->is_head(), minor_version);
    }
    // One piece: what a producer had to wait for is sent at once.
    if (stream != nullptr) stream->pull(block, kStreamBlockBytes);
  }
  void clear() {
    response.reset();
    head.clear();
    block.clear();
    stream.reset();
    frame = nullptr;
    threw = ran = false;
    abandoned.store(false, std::memory_order_relaxed);
  }
};

}  // namespace httpdyno
