// The application under the simulated server. It checks each request against what was sent, so that nothing
// reaches a handler changed, cut or twice.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "net/http/request.h"
#include "net/http/response.h"
#include "tests/sim/exchange.h"

namespace httpdyno::sim {

// The exchanges of all clients, and what was wrong first.
struct Witness {
  std::vector<std::vector<Exchange>> scripts;
  std::string complaint;
  std::uint64_t calls = 0;
  std::uint64_t throws = 0;

  void complain(std::string text) {
    if (complaint.empty()) complaint = std::move(text);
  }
};

class App {
 public:
  explicit App(Witness& witness) : witness_(&witness) {}

  // Targets are /<letter><status>/<client>.<index>/<octets of the answer>.
  void operator()(const http::Request& request, http::Response& response) {
    ++witness_->calls;
    std::string_view rest = request.path().substr(1);
    const char letter = rest.empty() ? '\0' : rest[0];
    rest.remove_prefix(std::min<std::size_t>(1, rest.size()));
    const auto status = number(rest);
    const auto client = number(rest);
    const auto index = number(rest);
    const auto count = number(rest);
    if (client >= witness_->scripts.size() || index >= witness_->scripts[client].size()) {
      return witness_->complain("a handler saw a request that nobody sent: " + std::string(request.path()));
    }
    Exchange& exchange = witness_->scripts[client][index];
    check(request, exchange);
    response.set_status(static_cast<int>(status));
    if (!response.add_field("X-Id", exchange.id)) witness_->complain("X-Id was refused");
    if (letter == 'e') response.set_body(request.body());
    if (letter == 'f' || letter == 'c') response.set_body(answer_body(exchange.id, count));
    if (letter == 's' || (letter == 'b' && exchange.streamed))
      response.stream_body(producer(exchange, count));
    if (letter == 'l' || (letter == 'b' && !exchange.streamed)) {
      response.stream_body(count, producer(exchange, count));
    }
    if (letter == 'c') response.close_connection();
    if (letter == 't') {
      ++witness_->throws;
      throw std::runtime_error("planned");
    }
  }

 private:
  // Yields the body in pieces; one that breaks off does so half-way.
  static http::BodyProducer producer(const Exchange& exchange, std::size_t count) {
    const std::size_t end = exchange.breaks_off ? count / 2 : count;
    return [body = answer_body(exchange.id, count), end, breaks = exchange.breaks_off,
            at = std::size_t{0}](std::span<char> room) mutable {
      const std::size_t piece = std::min({room.size(), end - at, 1 + body.size() / 3});
      if (piece == 0 && breaks) throw std::runtime_error("planned");
      std::memcpy(room.data(), body.data() + at, piece);
      at += piece;
      return piece;
    };
  }

  // The next number of "12/3.4/5".
  static std::size_t number(std::string_view& text) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    text.remove_prefix(std::min(text.size(), static_cast<std::size_t>(end - text.data()) + 1));
    return value;
  }

  void check(const http::Request& request, Exchange& exchange) {
    std::string_view host;
    if (!exchange.handled) witness_->complain(exchange.id + " should have been refused");
    if (exchange.calls++ > 0) witness_->complain(exchange.id + " reached the handler twice");
    if (request.method() != exchange.method) witness_->complain(exchange.id + " came with another method");
    if (request.minor_version() != exchange.minor_version) witness_->complain(exchange.id + ": version");
    if (request.body() != exchange.content) witness_->complain(exchange.id + " came with other content");
    if (!request.field("host", host) || host.empty()) witness_->complain(exchange.id + " came without Host");
  }

  Witness* witness_;
};

}  // namespace httpdyno::sim
