// The pool's hand-off: a request to a worker and back, one at a time and many at once.
#include <benchmark/benchmark.h>

#include <string>
#include <thread>

#include "bench/micro/requests.h"
#include "net/http/request_parser.h"
#include "net/io/epoll/epoll_io.h"
#include "server/config.h"
#include "server/pool_dispatch.h"

namespace httpdyno::micro {
namespace {

struct Hello {
  void operator()(const http::Request&, http::Response& response) const {
    response.set_body("Hello, World!");
  }
};

// range(0): workers; range(1): requests in flight. Without sockets: what remains is queues, locks and
// wake-ups.
void hand_off(benchmark::State& state) {
  Config config;
  config.thread_pool_count = static_cast<std::uint32_t>(state.range(0));
  const auto depth = static_cast<std::uint32_t>(state.range(1));
  io::EpollIo io;
  if (io.open()) return state.SkipWithError("epoll could not be opened");
  PoolDispatch<Hello> pool(config, Hello());
  pool.start(io.waker());

  std::vector<std::unique_ptr<RequestFrame>> frames;
  for (std::uint32_t i = 0; i < depth; ++i) {
    auto frame = std::make_unique<RequestFrame>(config.parse_limits());
    frame->bytes.append(kSmallHead);
    if (frame->parser->parse(frame->bytes.bytes()) != http::RequestParser::Result::complete) {
      return state.SkipWithError("the request was not read");
    }
    frames.push_back(std::move(frame));
  }

  std::int64_t answered = 0;
  for (auto _ : state) {
    for (std::uint32_t i = 0; i < depth; ++i) {
      Job* job = pool.new_job();
      job->connection = {i, 0};
      job->frame = frames[i].get();
      pool.submit(job);
    }
    pool.hand_over();
    for (std::uint32_t left = depth; left > 0;) {
      const bool sleeps = pool.rest(Watch::sleeping);
      if (io.wait(sleeps ? Duration(5s) : Duration::zero())) return state.SkipWithError("the wait failed");
      while (io.next() != nullptr) {
      }
      IntrusiveQueue<Job> completed = pool.collect();
      if (sleeps && completed.empty()) return state.SkipWithError("a wake was lost");
      while (Job* job = completed.pop()) {
        if (job->threw || !job->head.view().starts_with("HTTP/1.1 200 OK\r\n") ||
            job->response.body() != "Hello, World!") {
          return state.SkipWithError("a worker's answer is wrong");
        }
        pool.give_back(job);
        ++answered;
        --left;
      }
    }
  }
  state.SetItemsProcessed(answered);
}
BENCHMARK(hand_off)->Args({1, 1})->Args({1, 64})->Args({2, 64})->UseRealTime();

}  // namespace
}  // namespace httpdyno::micro
