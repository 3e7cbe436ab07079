#include "net/http/body_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace httpdyno::http {
namespace {

using Result = BodyStream::Result;

// Yields `pieces` one after another.
BodyProducer producer_of(std::vector<std::string> pieces, std::shared_ptr<int> held = nullptr) {
  return [pieces = std::move(pieces), at = std::size_t{0},
          held = std::move(held)](std::span<char> room) mutable {
    if (at == pieces.size()) return std::size_t{0};
    const std::string& piece = pieces[at++];
    EXPECT_LE(piece.size(), room.size());
    std::ranges::copy(piece, room.begin());
    return piece.size();
  };
}

TEST(BodyStream, EachPieceIsAChunkWithTheShortestSize) {
  BodyStream stream(BodyStream::kUnknownLength,
                    producer_of({"a", std::string(15, 'b'), std::string(16, 'c')}));
  stream.send_in_chunks();
  ByteBuffer out;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(stream.pull(out, 4096), Result::more);
  EXPECT_EQ(stream.pull(out, 4096), Result::end);
  EXPECT_EQ(out.view(),
            "1\r\na\r\nf\r\n" + std::string(15, 'b') + "\r\n10\r\n" + std::string(16, 'c') + "\r\n0\r\n\r\n");
}

TEST(BodyStream, ALengthIsMetExactlyAndTheProducerIsNotAskedForMore) {
  BodyStream stream(5, producer_of({"abc", "de", "never"}));
  ByteBuffer out;
  EXPECT_EQ(stream.pull(out, 3), Result::more);
  EXPECT_EQ(stream.pull(out, 4096), Result::end);
  EXPECT_EQ(out.view(), "abcde");
}

TEST(BodyStream, WhatEndsBeforeItsLengthOrThrowsHasFailed) {
  BodyStream early(5, producer_of({"abc"}));
  ByteBuffer out;
  EXPECT_EQ(early.pull(out, 4096), Result::more);
  EXPECT_EQ(early.pull(out, 4096), Result::failed);
  EXPECT_EQ(out.view(), "abc");
  for (const bool odd : {false, true}) {
    BodyStream thrower(BodyStream::kUnknownLength, [odd](std::span<char>) -> std::size_t {
      if (odd) throw 7;
      throw std::runtime_error("planned");
    });
    thrower.send_in_chunks();
    EXPECT_EQ(thrower.pull(out, 4096), Result::failed);
  }
  EXPECT_EQ(out.view(), "abc");
}

// Its destructor may wait, too, so it runs where the producer ran.
TEST(BodyStream, TheProducerIsLetGoOfWithItsLastPiece) {
  auto held = std::make_shared<int>();
  BodyStream stream(BodyStream::kUnknownLength, producer_of({"a"}, held));
  ByteBuffer out;
  EXPECT_EQ(stream.pull(out, 4096), Result::more);
  EXPECT_EQ(held.use_count(), 2);
  EXPECT_EQ(stream.pull(out, 4096), Result::end);
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace httpdyno::http
