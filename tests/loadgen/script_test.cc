#include "loadgen/work/script.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "loadgen/work/exchange.h"
#include "tests/loadgen/url_of.h"

namespace httpdyno::loadgen {
namespace {

TEST(MakeScript, RepeatsTheRequest) {
  const RequestSpec get;
  const Script script = make_script(url_of("http://h/"), {&get, 1}, 3);
  const std::string one = render_request(url_of("http://h/"), get);
  EXPECT_EQ(script.batch, one + one + one);
  ASSERT_EQ(script.kinds.size(), 1U);
  EXPECT_EQ(script.kinds[0].octets, one);
  EXPECT_FALSE(script.kinds[0].to_head);
  EXPECT_FALSE(script.is_mix());
  RequestSpec head;
  head.method = "HEAD";
  EXPECT_TRUE(make_script(url_of("http://h/"), {&head, 1}, 1).kinds[0].to_head);
}

TEST(MakeScript, EndsAConnectionWithItsLastRequest) {
  const RequestSpec get;
  const Script script = make_script(url_of("http://h/"), {&get, 1}, 3, 10);
  const std::string one = render_request(url_of("http://h/"), get);
  const std::string last = render_request(url_of("http://h/"), get, Persistence::close);
  EXPECT_EQ(script.kinds[0].octets, one);
  EXPECT_EQ(script.kinds[0].last_octets, last);
  EXPECT_EQ(script.batch, one + one + one);
  EXPECT_EQ(script.last_batch, one + one + last);
  EXPECT_TRUE(script.keep_alive());
  EXPECT_FALSE(make_script(url_of("http://h/"), {&get, 1}, 1, 1).keep_alive());
}

std::vector<RequestSpec> three_kinds() {
  std::vector<RequestSpec> specs(3);
  specs[0].weight = 95;
  specs[0].target = "/a";
  specs[1].weight = 1;
  specs[1].method = "HEAD";
  specs[2].weight = 4;
  return specs;
}

TEST(MakeScript, KeepsTheKindsOfAMix) {
  const Script script = make_script(url_of("http://h/"), three_kinds(), 4);
  ASSERT_EQ(script.kinds.size(), 3U);
  EXPECT_TRUE(script.is_mix());
  EXPECT_EQ(script.weight_sum, 100U);
  EXPECT_EQ(script.kinds[0].octets, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(script.kinds[1].octets, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_FALSE(script.kinds[0].to_head);
  EXPECT_TRUE(script.kinds[1].to_head);
}

TEST(Draw, FollowsTheWeights) {
  const Script script = make_script(url_of("http://h/"), three_kinds(), 1);
  constexpr int kDraws = 100'000;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    std::vector<int> counts(3);
    // Many connections of few draws: neighbouring ones must not be alike.
    for (std::uint64_t connection = 0; connection < 1000; ++connection) {
      Prng draws = draws_of_connection(seed, connection);
      for (int i = 0; i < kDraws / 1000; ++i) ++counts[script.draw(draws)];
    }
    double distance = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const double expected = kDraws * static_cast<double>(script.kinds[i].weight) / 100;
      distance += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    EXPECT_LT(distance, 13.82) << "chi-squared of 2 degrees, 0.1 %; seed " << seed;
  }
}

TEST(Draw, IsTheSameForTheSameSeedAndConnection) {
  const Script script = make_script(url_of("http://h/"), std::vector<RequestSpec>(64), 1);
  const auto first_draws = [&](std::uint64_t seed, std::uint64_t connection) {
    Prng draws = draws_of_connection(seed, connection);
    std::vector<std::uint32_t> out;
    for (int i = 0; i < 20; ++i) out.push_back(script.draw(draws));
    return out;
  };
  EXPECT_EQ(first_draws(1, 5), first_draws(1, 5));
  EXPECT_NE(first_draws(1, 5), first_draws(1, 6));
  EXPECT_NE(first_draws(1, 5), first_draws(2, 5));
  EXPECT_NE(first_draws(1, 5), first_draws(2, 4));
}

TEST(ExpectLike, MakesTheFirstAnswerTheRule) {
  Answer first;
  first.status = 201;
  first.body = "hello";
  first.body_bytes = 5;
  const Expectation plain = expect_like(first, "", false, true);
  EXPECT_EQ(plain.status, 201);
  EXPECT_TRUE(plain.check_length);
  EXPECT_EQ(plain.body_bytes, 5U);
  EXPECT_FALSE(plain.check_body);

  const Expectation echo = expect_like(first, "hello", false, true);
  EXPECT_TRUE(echo.check_body);
  EXPECT_EQ(echo.body, "hello");
  EXPECT_FALSE(expect_like(first, "other", false, true).check_body);
  EXPECT_FALSE(expect_like(first, "", true, false).check_length);
}

TEST(ExpectLike, BodiesAreTheFirstOnesOctetsUnlessTheyMayDiffer) {
  Answer first;
  first.body = "hello";
  first.body_bytes = 5;
  const Expectation exact = expect_like(first, "", false, false);
  EXPECT_TRUE(exact.check_body);
  EXPECT_EQ(exact.body, "hello");
  EXPECT_FALSE(expect_like(first, "", true, false).check_body);
  EXPECT_TRUE(expect_like(first, "hello", true, true).check_body) << "an echo is one";
  first.body_bytes = 6;
  EXPECT_FALSE(expect_like(first, "", false, false).check_body) << "more than was kept";
}

}  // namespace
}  // namespace httpdyno::loadgen
