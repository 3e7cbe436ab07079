// The site of the cases (README.md), and what its handler saw.
#pragma once

#include <algorithm>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "server/router.h"

namespace httpdyno::conformance {

// A request, copied while its views were valid.
struct Seen {
  std::string method;
  std::string target;
  std::string path;
  std::string version;
  std::string body;
  std::vector<std::string> fields;  // "Name: value"

  bool operator==(const Seen&) const = default;
};

inline Seen look_at(const http::Request& request) {
  Seen seen{.method = std::string(http::method_name(request.method())),
            .target = std::string(request.target()),
            .path = std::string(request.path()),
            .version = "1." + std::to_string(request.minor_version()),
            .body = std::string(request.body()),
            .fields = {}};
  request.each_field([&seen](std::string_view name, std::string_view value) {
    seen.fields.push_back(std::string(name) + ": " + std::string(value));
  });
  return seen;
}

struct Site {
  std::vector<Seen> seen;
};

// "hello, stream" in two pieces.
inline http::BodyProducer two_pieces() {
  return [next = 0](std::span<char> room) mutable {
    constexpr std::string_view kPieces[] = {"hello, ", "stream", ""};
    const std::string_view piece = kPieces[next++];
    std::copy(piece.begin(), piece.end(), room.begin());
    return piece.size();
  };
}

inline Router<Site> make_router(Site& site) {
  using http::Method;
  using http::Request;
  using http::Response;
  const auto ok = [](Site&, const Request&, std::string_view, Response& r) { r.set_body("OK"); };
  const auto echo = [](Site&, const Request& q, std::string_view, Response& r) { r.set_body(q.body()); };
  Router<Site> router(site);
  router.add(Method::get, "/", ok).add(Method::get, "/any/*", ok);
  for (Method method :
       {Method::get, Method::post, Method::put, Method::delete_, Method::options, Method::patch}) {
    router.add(method, "/echo", echo);
  }
  router.add(Method::get, "/no-content", [](Site&, const Request&, std::string_view, Response& r) {
    r.set_status(204);
    r.set_body("never sent");
  });
  router.add(Method::get, "/unchanged", [](Site&, const Request&, std::string_view, Response& r) {
    r.set_status(304);
    r.set_body("never sent");
  });
  router.add(Method::get, "/secret", [](Site&, const Request&, std::string_view, Response& r) {
    r.set_status(401);
    if (!r.add_field("WWW-Authenticate", "Basic realm=\"site\"")) throw std::logic_error("refused");
  });
  router.add(Method::get, "/upgrade", [](Site&, const Request&, std::string_view, Response& r) {
    r.set_status(426);
    if (!r.add_field("Upgrade", "example/1")) throw std::logic_error("refused");
  });
  router.add(Method::get, "/throw",
             [](Site&, const Request&, std::string_view, Response&) { throw std::runtime_error("planned"); });
  router.add(Method::get, "/splitting", [](Site&, const Request&, std::string_view, Response& r) {
    const bool added = r.add_field("X-One", "a\r\nX-Evil: b") || r.add_field("X-Two\r\nX-Evil", "b") ||
                       r.add_field("X-Three", std::string_view("a\0b", 3)) ||
                       r.set_content_type("text/plain\r\nX-Evil: b");
    r.set_body(added ? "split" : "refused");
  });
  router.add(Method::get, "/stop", [](Site&, const Request&, std::string_view, Response& r) {
    r.close_connection();
    r.set_body("bye");
  });
  router.add(Method::get, "/stream",
             [](Site&, const Request&, std::string_view, Response& r) { r.stream_body(two_pieces()); });
  router.add(Method::get, "/sized",
             [](Site&, const Request&, std::string_view, Response& r) { r.stream_body(13, two_pieces()); });
  return router;
}

}  // namespace httpdyno::conformance
