#include "net/base/byte_buffer.h"

#include <gtest/gtest.h>

#include <string>

#include "net/base/prng.h"

namespace httpdyno {
namespace {

TEST(ByteBuffer, AnEmptyOneOwnsNothing) {
  ByteBuffer buffer;
  EXPECT_EQ(buffer.capacity(), 0U);
  EXPECT_TRUE(buffer.empty());
  buffer.append("");
  EXPECT_EQ(buffer.capacity(), 0U);
}

TEST(ByteBuffer, ReserveTotalTakesOneExactStep) {
  ByteBuffer buffer;
  buffer.append("head");
  buffer.reserve_total(100'000);
  EXPECT_EQ(buffer.capacity(), 100'000U);
  const char* before = buffer.data();
  buffer.append(std::string(100'000 - 4, 'x'));
  EXPECT_EQ(buffer.data(), before);
  EXPECT_EQ(buffer.capacity(), 100'000U);
}

TEST(ByteBuffer, ReserveTotalUsesWhatWasConsumedBeforeItGrows) {
  ByteBuffer buffer(1000);
  buffer.append(std::string(900, 'a'));
  buffer.consume(890);
  buffer.reserve_total(1000);
  EXPECT_EQ(buffer.capacity(), 1000U);
  EXPECT_EQ(buffer.view(), std::string(10, 'a'));
  EXPECT_EQ(buffer.room(), 990U);
}

TEST(ByteBuffer, BehavesLikeAString) {
  Prng random(7);
  ByteBuffer buffer;
  std::string model;
  for (int step = 0; step < 20'000; ++step) {
    switch (random.below(5)) {
      case 0:
      case 1: {
        const std::string piece(random.below(300), static_cast<char>('a' + random.below(26)));
        buffer.append(piece);
        model += piece;
        break;
      }
      case 2: {
        const std::size_t n = random.below(model.size() + 1);
        buffer.consume(n);
        model.erase(0, n);
        break;
      }
      case 3: {
        const std::size_t n = random.below(model.size() + 1);
        buffer.truncate(n);
        model.resize(n);
        break;
      }
      default: {
        const std::size_t n = random.below(64) + 1;
        std::memset(buffer.reserve(n), 'z', n);
        buffer.commit(n);
        model += std::string(n, 'z');
      }
    }
    ASSERT_EQ(buffer.view(), model);
  }
}

TEST(ByteBuffer, MovingLeavesAnEmptyOneBehind) {
  ByteBuffer a;
  a.append("abc");
  ByteBuffer b = std::move(a);
  EXPECT_EQ(b.view(), "abc");
  EXPECT_EQ(a.capacity(), 0U);  // NOLINT: what a moved-from buffer is, is part of its contract
}

}  // namespace
}  // namespace httpdyno
