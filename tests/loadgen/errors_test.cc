// Errors are counted by cause, without a bound on their number and with one on what is kept of them.
#include "loadgen/figures/errors.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "loadgen/base/limits.h"
#include "net/http/response_parser.h"

namespace httpdyno::loadgen {
namespace {

constexpr ErrorCause kReset = {ErrorKind::read, AnswerProgress::mid_response, ECONNRESET};

TEST(ErrorCounts, TellsCausesApart) {
  ErrorCounts counts;
  EXPECT_EQ(counts.total(), 0U);
  counts.add(kReset, 2);
  counts.add({ErrorKind::read, AnswerProgress::before_first_byte, ECONNRESET});
  counts.add({ErrorKind::read, AnswerProgress::mid_response, EHOSTUNREACH});
  counts.add({ErrorKind::status, AnswerProgress::whole, 500}, 0);
  counts.add(kReset);
  EXPECT_EQ(counts.of(kReset), 3U);
  EXPECT_EQ(counts.of(ErrorKind::read), 5U);
  EXPECT_EQ(counts.total(), 5U);
  EXPECT_EQ(counts.causes().size(), 3U);
}

TEST(ErrorCounts, AddsOthersToItsOwn) {
  ErrorCounts a;
  a.add(kReset, 2);
  ErrorCounts b;
  b.add(kReset, 3);
  b.add({ErrorKind::body, AnswerProgress::whole});
  a.merge(b);
  EXPECT_EQ(a.of(kReset), 5U);
  EXPECT_EQ(a.total(), 6U);
}

TEST(ErrorCounts, KnowsWhichRequestsWereAnswered) {
  ErrorCounts counts;
  for (const ErrorRow& row : kErrorRows) counts.add({row.kind});
  EXPECT_EQ(counts.of(ErrorFate::answered), 3U) << "status, length, body";
  EXPECT_EQ(counts.of(ErrorFate::lost), 5U) << "read, write, timeout, parse, closed";
  EXPECT_EQ(counts.of(ErrorFate::none), 2U) << "connect, unsolicited";
}

TEST(ErrorCounts, DropsTheDetailOfTooManyCauses) {
  ErrorCounts counts;
  for (int status = 201; status < 1000; ++status)
    counts.add({ErrorKind::status, AnswerProgress::whole, status});
  EXPECT_EQ(counts.of(ErrorKind::status), 799U);
  EXPECT_EQ(counts.causes().size(), kErrorCausesMax + 1);
  EXPECT_EQ(counts.of({ErrorKind::status, AnswerProgress::whole, 0}), 799 - kErrorCausesMax);
  counts.add({ErrorKind::status, AnswerProgress::whole, 201});
  EXPECT_EQ(counts.of({ErrorKind::status, AnswerProgress::whole, 201}), 2U);
}

TEST(ErrorCause, HasADetailForPeopleAndForMachines) {
  EXPECT_EQ(detail_text(kReset), "Connection reset by peer");
  EXPECT_EQ(detail_key(kReset), "ECONNRESET");
  const ErrorCause parse = {ErrorKind::parse, AnswerProgress::mid_response,
                            static_cast<int>(http::ResponseError::bad_chunk)};
  EXPECT_EQ(detail_text(parse), "has a malformed chunk");
  EXPECT_EQ(detail_key(parse), "has a malformed chunk");
  EXPECT_EQ(detail_text({ErrorKind::status, AnswerProgress::whole, 503}), "503");
  EXPECT_EQ(detail_text({ErrorKind::length, AnswerProgress::whole, kShorter}), "shorter");
  EXPECT_EQ(detail_text({ErrorKind::length, AnswerProgress::whole, kLonger}), "longer");
  for (const ErrorRow& row : kErrorRows) EXPECT_EQ(detail_text({row.kind}), "") << row.key;
}

}  // namespace
}  // namespace httpdyno::loadgen
