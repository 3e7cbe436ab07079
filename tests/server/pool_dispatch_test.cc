// What a pool has room for, and what it keeps. Its workers are not started: nothing here needs them.
#include "server/pool_dispatch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string_view>
#include <thread>
#include <vector>

namespace httpdyno {
namespace {

struct App {
  void operator()(const http::Request&, http::Response&) {}
};

TEST(PoolDispatch, RequestsCountAgainstTheBacklogAndBlocksOfBodiesDoNot) {
  Config config;
  config.thread_pool_count = 2;
  config.thread_pool_backlog = 3;
  PoolDispatch<App> dispatch(config, App());
  for (int i = 0; i < 100; ++i) dispatch.submit(dispatch.new_job());
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(dispatch.has_room()) << i;
    Job* job = dispatch.new_job();
    job->frame = new RequestFrame(config.parse_limits());
    dispatch.submit(job);
  }
  EXPECT_FALSE(dispatch.has_room());
}

// P16, P22: of all that comes while it does not look, a loop that dozes or sleeps is told once, one that is awake never;
// and what it does not fetch is freed.
TEST(PoolDispatch, AnswersThatWaitToBeFetchedCostOneWakeAndLeakNothing) {
  struct Counting {
    std::atomic<int>* calls;
    void operator()(const http::Request&, http::Response& response) const {
      response.set_body("answer");
      ++*calls;
    }
  };
  struct Waker {
    std::atomic<int>* wakes;
    void wake() const { ++*wakes; }
  };
  constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  Config config;
  config.thread_pool_count = 2;
  for (const Watch loop : {Watch::awake, Watch::dozing, Watch::sleeping}) {
    std::atomic<int> calls{0};
    std::atomic<int> wakes{0};
    PoolDispatch<Counting> dispatch(config, Counting{&calls});
    dispatch.start(Waker{&wakes});
    for (int i = 0; i < 50; ++i) {
      Job* job = dispatch.new_job();
      job->frame = new RequestFrame(config.parse_limits());
      job->frame->bytes.append(kRequest);
      ASSERT_EQ(job->frame->parser->parse(job->frame->bytes.bytes()), http::RequestParser::Result::complete);
      dispatch.submit(job);
    }
    if (loop != Watch::awake) {
      ASSERT_TRUE(dispatch.rest(loop));
    }
    dispatch.hand_over();
    while (calls < 50) std::this_thread::yield();
    dispatch.stop();
    EXPECT_EQ(wakes, loop == Watch::awake ? 0 : 1) << static_cast<int>(loop);
  }
}

TEST(PoolDispatch, JobsThatRestKeepAsManyBlocksAsThereAreWorkers) {
  Config config;
  config.thread_pool_count = 2;
  PoolDispatch<App> dispatch(config, App());
  std::vector<Job*> jobs;
  for (int i = 0; i < 10; ++i) {
    jobs.push_back(dispatch.new_job());
    jobs.back()->block.append("a block");
  }
  for (Job* job : jobs) dispatch.give_back(job);
  EXPECT_EQ(std::ranges::count_if(jobs, [](const Job* job) { return job->block.capacity() > 0; }), 2);
}

TEST(FramePool, WhatRestsTogetherStaysBelowTheBound) {
  http::ParseLimits limits;
  limits.fields_max = 10;
  constexpr std::size_t kBound = 100'000;
  FramePool frames(limits, kBound);
  std::vector<RequestFrame*> taken;
  for (int i = 0; i < 1000; ++i) {
    taken.push_back(frames.take());
    taken.back()->bytes.reserve_total(10'000);
  }
  EXPECT_EQ(frames.in_use(), 1000U);
  for (RequestFrame* frame : taken) frames.give_back(frame);
  EXPECT_EQ(frames.in_use(), 0U);
  EXPECT_GT(frames.retained_bytes(), kBound / 2);
  EXPECT_LE(frames.retained_bytes(), kBound);
}

}  // namespace
}  // namespace httpdyno
