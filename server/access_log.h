// The access log: who is told of each answer, and with what. Without one there is nothing of it in the code.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/base/time.h"
#include "net/http/request.h"
#include "net/http/status.h"
#include "net/io/io.h"
#include "net/io/socket.h"
#include "server/connection.h"

namespace httpdyno {

// One answered request. The views end with the call.
struct Access {
  io::ConnId connection;    // tells connections of one loop apart
  io::Address peer;         // family 0 where it is not known: after a reset, or in simulation
  std::string_view method;  // "GET"; empty, like the target, when the request was refused before it was whole
  std::string_view target;  // as it came, not decoded
  int status = 0;
  std::uint64_t bytes =
      0;         // octets of the response, head and content; less than that may have reached the client
  Time begun{};  // monotonic: the request was whole
  Time ended{};  // its answer was, or the connection ended inside a streamed one
};

// Called as log(access), once for each answered request, on the thread of its loop, which waits for it: with
// several loops by several threads at a time. It must not throw.
template <class L>
concept AccessLog = std::invocable<L&, const Access&>;

// The default: nobody is told.
struct NoAccessLog {};

// One loop's side of it: an entry for each connection's present request. One thread.
template <class Io, class L>
class AccessTrail {
 public:
  AccessTrail(Io& io, L* log) : io_(io), log_(log) {}

  // A whole request goes to a handler, now or on a worker.
  void begin(const Connection& connection, const http::Request& request) {
    Entry& entry = at(connection);
    entry.open = true;
    entry.method = http::method_name(request.method());
    entry.target = request.target();
    entry.status = 0;
    entry.bytes = 0;
    entry.begun = read_clock();
  }
  // Before and after an answer, its beginning or a block of it joins the connection's output. The last one is told.
  void before(const Connection& connection) { output_before_ = connection.output().size(); }
  void after_head(const Connection& connection, int status) {
    at(connection).status = http::reason_phrase(status).empty() ? 500 : status;
    after_block(connection);
  }
  void after_block(const Connection& connection) {
    at(connection).bytes += connection.output().size() - output_before_;
    if (connection.state() != Connection::State::streaming) tell(connection);
  }
  // The core may have answered by itself: a request of begin(), or one that was not whole.
  void after_refusal(const Connection& connection, Commons& commons) {
    const Commons::Refusal refusal = std::exchange(commons.refusal, {});
    if (refusal.status == 0) return;
    Entry& entry = at(connection);
    if (!entry.open) entry = {.begun = read_clock()};
    entry.status = refusal.status;
    entry.bytes = refusal.bytes;
    tell(connection);
  }
  // The connection ends: a streamed answer with it. A handler's answer would come too late to be one.
  void end(const Connection& connection) {
    Entry& entry = at(connection);
    if (entry.open && entry.status != 0) tell(connection);
    entry = {};
  }

 private:
  struct Entry {
    bool open = false;
    std::string_view method{};
    std::string target{};
    int status = 0;  // 0: not answered yet
    std::uint64_t bytes = 0;
    Time begun{};
  };

  static constexpr std::size_t kTargetKeptBytesMax = 256;

  Entry& at(const Connection& connection) {
    const std::uint32_t index = connection.id().index;
    if (index >= entries_.size()) entries_.resize(index + 1);
    return entries_[index];
  }

  void tell(const Connection& connection) {
    Entry& entry = at(connection);
    entry.open = false;
    Access access{.connection = connection.id(),
                  .peer = {},
                  .method = entry.method,
                  .target = entry.target,
                  .status = entry.status,
                  .bytes = entry.bytes,
                  .begun = entry.begun,
                  .ended = read_clock()};
    if constexpr (requires { io_.peer(access.connection); }) access.peer = io_.peer(access.connection);
    (*log_)(std::as_const(access));
    // The client chooses how long it is, and the place is kept.
    if (entry.target.capacity() > kTargetKeptBytesMax) std::string().swap(entry.target);
  }

  Io& io_;
  L* log_;
  std::size_t output_before_ = 0;
  std::vector<Entry> entries_;  // by the connection's place
};

template <class Io>
class AccessTrail<Io, NoAccessLog> {
 public:
  AccessTrail(Io&, NoAccessLog*) {}
  void begin(const Connection&, const http::Request&) {}
  void before(const Connection&) {}
  void after_head(const Connection&, int) {}
  void after_block(const Connection&) {}
  void after_refusal(const Connection&, Commons&) {}
  void end(const Connection&) {}
};

}  // namespace httpdyno
