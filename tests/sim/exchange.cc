#include "tests/sim/exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace httpdyno::sim {

namespace {

constexpr std::size_t kAnswerBytesMax = 3000;
constexpr std::size_t kStreamBytesMax = 90'000;  // several blocks
constexpr std::size_t kContentBytesMax = 1500;

// Mostly small, sometimes up to the bound.
std::size_t some_bytes(Prng& random, std::size_t most) {
  const std::size_t bound = random.below(4) == 0 ? most : std::min<std::size_t>(most, 60);
  return random.below(bound + 1);
}

template <std::size_t n>
std::string_view one_of(Prng& random, const std::string_view (&choices)[n]) {
  return choices[random.below(n)];
}

std::string chunked(Prng& random, std::string_view content) {
  constexpr std::string_view kExtensions[] = {"", "", "", ";a", ";a=b", " ; a = \"q;\\\"\"", ";x=1;y"};
  constexpr std::string_view kTrailers[] = {"", "", "X-Sum: 1\r\n", "A: b\r\nC:\r\n"};
  std::string coded;
  while (!content.empty()) {
    const std::size_t count = 1 + random.below(std::min<std::size_t>(content.size(), 200));
    const std::string_view form = random.coin() ? "{:x}" : "{:04X}";
    coded += fmt::format(fmt::runtime(form), count);
    coded.append(one_of(random, kExtensions)).append("\r\n").append(content.substr(0, count)).append("\r\n");
    content.remove_prefix(count);
  }
  return coded.append(random.coin() ? "0" : "000")
      .append(one_of(random, kExtensions))
      .append("\r\n")
      .append(one_of(random, kTrailers))
      .append("\r\n");
}

// Header fields that mean nothing to the server.
std::string noise(Prng& random) {
  std::string fields;
  for (std::uint64_t i = random.below(4); i > 0; --i) {
    fields += fmt::format("X-{}:{}{}\r\n", i, random.coin() ? " " : "", pattern(i, some_bytes(random, 200)));
  }
  return fields;
}

// What is wrong, and what is answered: (request, status). `%` stands for a token that makes it unique.
struct Malformed {
  std::string_view octets;
  int status;
};
constexpr Malformed kMalformed[] = {
    {"G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"get / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
    {"GET / HTTP/1.x\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nExpect: a miracle\r\n\r\n", 417},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 400},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nz\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;=\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: b\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 413},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", 413},
};

Exchange make_malformed(Prng& random, const Config& config) {
  Exchange exchange;
  exchange.handled = false;
  exchange.closes = true;
  const std::uint64_t choice = random.below(std::size(kMalformed) + 2);
  if (choice == std::size(kMalformed)) {
    exchange.octets = "GET /" + std::string(config.target_bytes_max, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
    exchange.status = 414;
  } else if (choice > std::size(kMalformed)) {
    exchange.octets = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (std::uint32_t i = 0; i < config.fields_max; ++i) exchange.octets += "X: y\r\n";
    exchange.octets += "\r\n";
    exchange.status = 431;
  } else {
    exchange.octets = kMalformed[choice].octets;
    exchange.status = kMalformed[choice].status;
  }
  // What comes behind it is no concern of the server's, but must not cost the client its answer.
  if (random.coin()) exchange.octets += pattern(1, some_bytes(random, kContentBytesMax));
  return exchange;
}

struct Route {
  char letter;
  int status;
};

// Its answer: what app.h does with the target.
std::string make_target(Prng& random, Exchange& exchange) {
  constexpr Route kRoutes[] = {{'f', 200}, {'f', 200}, {'f', 200}, {'f', 404}, {'e', 200},
                               {'e', 200}, {'t', 500}, {'c', 200}, {'n', 204}, {'m', 304},
                               {'s', 200}, {'s', 200}, {'l', 200}, {'b', 200}};
  const Route route = kRoutes[random.below(std::size(kRoutes))];
  exchange.status = route.status;
  std::size_t count = 0;
  switch (route.letter) {
    case 'e': exchange.body = exchange.content; break;
    case 't':
      exchange.throws = true;
      exchange.body = "500 Internal Server Error\n";
      break;
    case 'b':
      // A close-delimited body that breaks off cannot be told from a whole one: HTTP/1.0 gets a length.
      exchange.breaks_off = !exchange.to_head();
      exchange.streamed = exchange.minor_version > 0;
      count = 1 + some_bytes(random, kAnswerBytesMax);
      break;
    case 's':
      exchange.streamed = true;
      exchange.closes |= exchange.minor_version == 0;
      [[fallthrough]];
    case 'l': count = some_bytes(random, random.below(40) == 0 ? kStreamBytesMax : kAnswerBytesMax); break;
    case 'c': exchange.closes = true; [[fallthrough]];
    case 'f': count = some_bytes(random, kAnswerBytesMax); break;
    default: break;
  }
  if (count > 0) exchange.body = answer_body(exchange.id, count);
  return fmt::format("/{}{}/{}/{}", route.letter, route.status, exchange.id, count);
}

// Without a body there is no content to be told apart by: for OPTIONS *.
Exchange make_well_formed(Prng& random, std::string id) {
  using http::Method;
  constexpr Method kMethods[] = {Method::get,  Method::get, Method::get,     Method::head,
                                 Method::post, Method::put, Method::delete_, Method::patch};
  Exchange exchange;
  exchange.id = std::move(id);
  exchange.method = kMethods[random.below(std::size(kMethods))];
  exchange.minor_version = random.below(6) == 0 ? 0 : 1;
  const bool carries = exchange.method != Method::get && exchange.method != Method::head;
  if (carries || random.below(10) == 0) {
    exchange.content = pattern(random.next(), some_bytes(random, kContentBytesMax));
  }
  std::string target = make_target(random, exchange);
  constexpr std::string_view kHosts[] = {"a", "example.com:8080", "[::1]"};
  const std::string_view host = one_of(random, kHosts);
  if (random.below(8) == 0) target = fmt::format("http://{}{}", host, target);
  if (random.below(4) == 0) target += "?q=1";

  std::string& octets = exchange.octets;
  if (random.below(10) == 0) octets = "\r\n";
  octets +=
      fmt::format("{} {} HTTP/1.{}\r\n", http::method_name(exchange.method), target, exchange.minor_version);
  octets += fmt::format("{}: {}\r\n{}", random.coin() ? "Host" : "hOST", host, noise(random));
  if (exchange.minor_version == 0) {
    const bool stays = random.below(3) != 0;
    if (stays) octets += "Connection: Keep-Alive\r\n";
    exchange.closes |= !stays;
  } else if (random.below(10) == 0) {
    octets += random.coin() ? "Connection: close\r\n" : "Connection: x, , Close\r\n";
    exchange.closes = true;
  }
  const bool expects = !exchange.content.empty() && random.below(4) == 0;
  if (expects) octets += "Expect: 100-Continue\r\n";
  exchange.expects_continue = expects && exchange.minor_version == 1;  // RFC 9110 10.1.1: not in 1.0
  std::string coded = exchange.content;
  if (carries && exchange.minor_version == 1 && random.coin()) {
    octets += "Transfer-Encoding: chunked\r\n\r\n";
    coded = chunked(random, exchange.content);
    exchange.expects_continue = expects;
  } else if (!coded.empty() || random.below(3) == 0) {
    octets += fmt::format("Content-Length: {}\r\n\r\n", coded.size());
  } else {
    octets += "\r\n";
  }
  exchange.content_at = octets.size();
  octets += coded;
  return exchange;
}

}  // namespace

std::string answer_body(const std::string& id, std::size_t count) {
  return pattern(std::hash<std::string>()(id), count);
}

std::string pattern(std::uint64_t key, std::size_t count) {
  std::string text(count, '\0');
  std::uint64_t at = key;
  for (char& c : text) c = static_cast<char>('a' + (at++ * 0x9e3779b97f4a7c15U >> 40) % 26);
  return text;
}

std::vector<Exchange> make_exchanges(Prng& random, const Config& config, std::uint32_t client) {
  std::vector<Exchange> exchanges;
  const std::uint64_t count = 1 + random.below(random.below(4) == 0 ? 12 : 4);
  for (std::uint64_t i = 0; i < count; ++i) {
    const bool last = i + 1 == count;
    exchanges.push_back(last && random.below(3) == 0
                            ? make_malformed(random, config)
                            : make_well_formed(random, fmt::format("{}.{}", client, i)));
    if (config.request_count == i + 1) exchanges.back().closes = true;
  }
  return exchanges;
}

}  // namespace httpdyno::sim
