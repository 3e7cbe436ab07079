// A loop with its application and a backend without a kernel, inline or with a worker that the test plays.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "server/inline_dispatch.h"
#include "server/loop.h"
#include "tests/server/fake_io.h"
#include "tests/server/manual_dispatch.h"

namespace httpdyno {

// What the tests ask for.
struct App {
  void operator()(const http::Request& request, http::Response& response) {
    ++calls;
    const std::string_view path = request.path();
    if (path == "/throw") throw std::runtime_error("planned");
    if (path == "/throw-int") throw 7;
    if (path == "/close") response.close_connection();
    if (path == "/big") return response.set_body(std::string(100'000, 'b'));
    if (path.starts_with("/stream")) return stream(request, response);
    if (!request.body().empty()) return response.set_body(request.body());
    response.set_body(path);
  }

  // /stream?N: N octets in pieces of 10,000; /stream-length?N: the same with a length; /stream-throw and
  // /stream-short break off in the third piece; /stream-endless does not end.
  void stream(const http::Request& request, http::Response& response) {
    const std::string path(request.path());
    const std::size_t total =
        request.query().empty() ? SIZE_MAX / 2 : std::stoul(std::string(request.query()));
    auto producer = [pulls = pulls, path, left = total](std::span<char> room) mutable {
      ++*pulls;
      if (path == "/stream-throw" && left < total_before_break) throw std::runtime_error("planned");
      if (path == "/stream-short" && left < total_before_break) return std::size_t{0};
      const std::size_t piece = std::min({left, room.size(), std::size_t{10'000}});
      for (std::size_t i = 0; i < piece; ++i) room[i] = pattern(left - i);
      left -= piece;
      return piece;
    };
    if (path == "/stream-length" || path == "/stream-short") return response.stream_body(total, producer);
    response.stream_body(producer);
  }
  static char pattern(std::size_t left) { return static_cast<char>('a' + left % 23); }
  static std::string streamed(std::size_t total) {
    std::string text;
    for (std::size_t left = total; left > 0; --left) text.push_back(pattern(left));
    return text;
  }
  static constexpr std::size_t total_before_break = 80'000;

  int calls = 0;
  std::shared_ptr<int> pulls = std::make_shared<int>(0);  // how often a producer was called
};

// How many times `needle` stands in `text`.
inline int count(const std::string& text, std::string_view needle) {
  int n = 0;
  for (std::size_t at = text.find(needle); at != std::string::npos; at = text.find(needle, at + 1)) ++n;
  return n;
}

inline std::string get(const std::string& path, const std::string& fields = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

template <class Dispatch>
class Bench {
 public:
  template <class... Args>
  explicit Bench(const Config& config, Args&&... args)
      : dispatch(std::forward<Args>(args)...),
        loop(std::make_unique<Loop<FakeIo, Dispatch>>(config, io, dispatch)) {}

  void turn(Duration passed = Duration::zero()) {
    io.advance(passed);
    ASSERT_FALSE(loop->turn(0ms));
  }
  std::uint64_t active() const { return loop->stats().active(); }

  FakeIo io;
  Dispatch dispatch;
  std::unique_ptr<Loop<FakeIo, Dispatch>> loop;
};

struct InlineBench : Bench<InlineDispatch<App>> {
  explicit InlineBench(const Config& config = {}, App app = {})
      : Bench(config, config, app), calls(app.pulls) {}
  int pulls() const { return *calls; }
  void work() {}  // nobody waits for a worker
  std::shared_ptr<int> calls;
};
struct PoolBench : Bench<ManualDispatch<App>> {
  explicit PoolBench(const Config& config = {}, App app = {}) : Bench(config, app), calls(app.pulls) {}
  int pulls() const { return *calls; }
  // All that waits for a worker is answered, and the loop told.
  void work() {
    while (!dispatch.queued.empty()) dispatch.work();
    io.waker().wake();
    turn();
  }
  std::shared_ptr<int> calls;
};

}  // namespace httpdyno
