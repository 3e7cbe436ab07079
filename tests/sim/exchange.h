// One request of a simulated client and the answer that it must get: the reference model's knowledge of the
// application.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "net/base/prng.h"
#include "net/http/method.h"
#include "server/config.h"

namespace httpdyno::sim {

struct Exchange {
  // What is sent.
  std::string octets;
  std::size_t content_at = 0;     // where the content begins
  bool expects_continue = false;  // and the server must say it before the content comes

  // What the handler must see, if it is to see it.
  bool handled = true;
  http::Method method = http::Method::get;
  int minor_version = 1;
  std::string id;       // "client.index", in the target and in the answer's X-Id
  std::string content;  // without transfer coding
  bool throws = false;
  bool streamed = false;    // without a length
  bool breaks_off = false;  // the producer of the body throws, and the answer must not look whole

  // What must be answered.
  int status = 200;
  std::string body;
  bool closes = false;      // the answer ends the connection
  std::uint32_t calls = 0;  // of the handler, by now

  bool to_head() const { return method == http::Method::head; }
};

// `count` octets that are told apart from those of other keys.
std::string pattern(std::uint64_t key, std::size_t count);

// What an answer with this id contains.
std::string answer_body(const std::string& id, std::size_t count);

// The requests of one client, in order. One that is refused is the last.
std::vector<Exchange> make_exchanges(Prng& random, const Config& config, std::uint32_t client);

}  // namespace httpdyno::sim
