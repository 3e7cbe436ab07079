// The octets of a request that outlives the read that brought it, with what the parser knows of them; and
// their pool.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "net/base/byte_buffer.h"
#include "net/base/intrusive_list.h"
#include "net/http/request.h"
#include "net/http/request_parser.h"
#include "server/config.h"

namespace httpdyno {

// Belongs to one connection or one job at a time. `bytes` begins with the first octet that `parser` was
// given.
struct RequestFrame {
  explicit RequestFrame(const http::ParseLimits& limits)
      : parser(std::make_unique<http::RequestParser>(limits)) {}

  std::unique_ptr<http::RequestParser> parser;  // never null; changes hands by its pointer
  ByteBuffer bytes;
  RequestFrame* next = nullptr;

  http::Request request() const { return {*parser, bytes.data()}; }
};

// Frames that rest, last used first. What they keep together stays below a bound; an idle connection has none
// at all. One thread.
class FramePool {
 public:
  FramePool(const http::ParseLimits& limits, std::size_t retain_bytes_max)
      : limits_(limits), retain_bytes_max_(retain_bytes_max) {}
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;
  ~FramePool() {
    while (RequestFrame* frame = resting_.pop()) delete frame;
  }

  RequestFrame* take() {
    RequestFrame* frame = resting_.pop();
    if (frame == nullptr) {
      ++made_;
      return new RequestFrame(limits_);
    }
    retained_bytes_ -= bytes_of(*frame);
    return frame;
  }

  void give_back(RequestFrame* frame) {
    frame->parser->reset();
    frame->bytes.clear();
    if (retained_bytes_ + bytes_of(*frame) > retain_bytes_max_) frame->bytes.release();
    if (retained_bytes_ + bytes_of(*frame) > retain_bytes_max_) {
      --made_;
      delete frame;
      return;
    }
    retained_bytes_ += bytes_of(*frame);
    resting_.push(frame);
  }

  std::size_t retained_bytes() const { return retained_bytes_; }
  // Frames that somebody has; for checks.
  std::size_t in_use() const { return made_ - resting_.size(); }

 private:
  std::size_t bytes_of(const RequestFrame& frame) const {
    return sizeof frame + sizeof *frame.parser + limits_.fields_max * sizeof(http::FieldRange) +
           frame.bytes.capacity();
  }

  http::ParseLimits limits_;
  std::size_t retain_bytes_max_;
  std::size_t retained_bytes_ = 0;
  std::size_t made_ = 0;
  IntrusiveStack<RequestFrame> resting_;
};

}  // namespace httpdyno
