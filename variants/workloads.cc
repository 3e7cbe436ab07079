#include "variants/workloads.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <time.h>
#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <span>
#include <thread>

namespace httpdyno::variants {

namespace {

using http::Method;
using http::Request;
using http::Response;

// The number that a path ends in, if it is one and within the bound; otherwise the response says why not.
bool parse_number(std::string_view text, std::uint64_t most, std::uint64_t& value, Response& response) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (!text.empty() && error == std::errc() && rest == end && value <= most) return true;
  response.set_status(400);
  response.set_body(fmt::format("400 Bad Request: the path must end in a number from 0 to {}\n", most));
  return false;
}

void ok(Workloads&, const Request&, std::string_view, Response& response) { response.set_body("OK"); }

void echo(Workloads&, const Request& request, std::string_view, Response& response) {
  response.set_content_type("application/octet-stream");
  response.set_body(request.body());
}

void plaintext(Workloads&, const Request&, std::string_view, Response& response) {
  response.set_body("Hello, World!");
}

void json(Workloads&, const Request& request, std::string_view, Response& response) {
  std::string_view host = "-";
  request.field("host", host);
  const nlohmann::json object = {
      {"message", "Hello, World!"},
      {"path", request.path()},
      {"host_bytes", host.size()},
      {"items", {1, 2, 3, 5, 8, 13}},
      {"nested", {{"name", "httpdyno"}, {"stable", true}, {"ratio", 0.5}}},
  };
  response.set_content_type("application/json");
  response.set_body(object.dump());
}

void bytes(Workloads&, const Request&, std::string_view rest, Response& response) {
  std::uint64_t count = 0;
  if (!parse_number(rest, 64U << 20, count, response)) return;
  response.set_content_type("application/octet-stream");
  response.set_body(std::string(count, 'x'));
}

// Octet i is the i-th of an alphabet that repeats, so that a lost or doubled piece shows.
void stream(Workloads&, const Request&, std::string_view rest, Response& response) {
  std::uint64_t count = 0;
  if (!parse_number(rest, std::uint64_t{8} << 30, count, response)) return;
  response.set_content_type("application/octet-stream");
  response.stream_body([at = std::uint64_t{0}, count](std::span<char> room) mutable {
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), count - at));
    for (std::size_t i = 0; i < piece; ++i) room[i] = static_cast<char>('a' + (at + i) % 26);
    at += piece;
    return piece;
  });
}

void work(Workloads&, const Request&, std::string_view rest, Response& response) {
  std::uint64_t micros = 0;
  if (!parse_number(rest, 1'000'000, micros, response)) return;
  // Of this thread's own CPU time: a neighbour on the core must not do the work.
  const auto cpu_ns = [] {
    timespec ts{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return static_cast<std::uint64_t>(ts.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(ts.tv_nsec);
  };
  const std::uint64_t end = cpu_ns() + micros * 1000;
  while (cpu_ns() < end) {
  }
  response.set_body("worked\n");
}

void sleep(Workloads&, const Request&, std::string_view rest, Response& response) {
  std::uint64_t milliseconds = 0;
  if (!parse_number(rest, 60'000, milliseconds, response)) return;
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  response.set_body("slept\n");
}

void wait(Workloads&, const Request&, std::string_view rest, Response& response) {
  std::uint64_t micros = 0;
  if (!parse_number(rest, 1'000'000, micros, response)) return;
  // The kernel wakes a thread up to its timer slack too late: by default as long as a short wait itself lasts.
  static thread_local const bool exact = prctl(PR_SET_TIMERSLACK, 1UL) == 0;
  std::this_thread::sleep_for(std::chrono::microseconds(micros));
  response.set_body(exact ? "waited\n" : "waited, with timer slack\n");
}

void upload(Workloads&, const Request& request, std::string_view, Response& response) {
  const std::string_view body = request.body();
  const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(body.data()), body.size());
  response.set_content_type("application/json");
  response.set_body(fmt::format("{{\"bytes\":{},\"crc32\":\"{:08x}\"}}\n", body.size(), crc));
}

void stats(Workloads& workloads, const Request&, std::string_view, Response& response) {
  response.set_content_type("application/json");
  response.set_body(workloads.stats->total().json());
}

void metrics(Workloads& workloads, const Request&, std::string_view, Response& response) {
  response.set_content_type(kOpenMetricsType);
  response.set_body(workloads.stats->total().openmetrics());
}

}  // namespace

Router<Workloads> make_router(Workloads& workloads) {
  Router<Workloads> router(workloads);
  router.add(Method::get, "/", ok)
      .add(Method::post, "/", echo)
      .add(Method::post, "/echo", echo)
      .add(Method::get, "/plaintext", plaintext)
      .add(Method::get, "/json", json)
      .add(Method::get, "/bytes/*", bytes)
      .add(Method::get, "/stream/*", stream)
      .add(Method::get, "/work/*", work)
      .add(Method::get, "/sleep/*", sleep)
      .add(Method::get, "/wait/*", wait)
      .add(Method::post, "/upload", upload)
      .add(Method::get, "/stats", stats)
      .add(Method::get, "/metrics", metrics);
  return router;
}

}  // namespace httpdyno::variants
