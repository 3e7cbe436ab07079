// The seam to the kernel: operations are submitted, completions come back. One contract, several backends.
//
// A backend belongs to one thread; only its Waker may be used from others. The caller chooses who a
// connection is (a ConnId) and attaches a socket to it; every later operation and completion names that id.
// The contract, which tests/io holds against every backend:
//
//  1. wait(limit) is the only call that blocks. It returns when completions may be there, when the limit has
//     passed, or after a wake. now() is the monotonic time at its return and does not move until the next
//     wait().
//  2. next() hands out the completions one at a time, in an order that keeps each connection's own order; null
//     when there are none. A completion and its bytes are valid until the next call of next() or wait(). A
//     caller drains until next() is null before it waits again; operations that it submits meanwhile may
//     complete in the same drain.
//  3. recv lends. While receiving is on, `received` completions carry bytes that live in the backend's memory
//     (they may be written to). No bytes and no error is the end of the stream, reported once. With receiving
//     off nothing is read and nothing spins; what the peer sent meanwhile is reported after receiving is on
//     again.
//  4. send freezes. The bytes must neither move nor change until their `sent` completion, which says how many
//     of them the kernel took (at least one, perhaps not all: send the rest again) or the error. One send a
//     connection at a time.
//  5. close(id) ends everything of that connection; its last completion is `closed`. Until then the id must
//     not be reused; afterwards no completion names it. Completions that were under way when it was called are
//     dropped.
//  6. Accepting is on or off. While it is on, `accepted` completions carry a socket that the caller must
//     attach() or discard(), or the error of a failed accept. After EMFILE, ENFILE, ENOBUFS or ENOMEM the
//     backend does not try again until accept_start() is called once more: the caller decides when there may
//     be room.
//  7. A Waker's wake() may be called from any thread and from a signal handler. Wakes between two waits are
//     merged into one `woken` completion.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "net/base/error.h"
#include "net/base/time.h"

namespace httpdyno::io {

// Which connection: an index into the caller's table and the generation of that place. A stale id finds
// another generation.
struct ConnId {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;

  friend bool operator==(ConnId, ConnId) = default;
};

// A socket that the backend accepted and nobody owns yet; -1 is none.
struct Socket {
  int handle = -1;
};

enum class Event : std::uint8_t {
  accepted,   // socket, or error
  connected,  // id; error 0 or why it failed
  received,   // id, bytes; or error; neither: the peer has ended its side
  sent,       // id, count; or error
  closed,     // id: nothing of it is in flight any more
  woken,      // somebody called wake()
};

struct Completion {
  Event event = Event::woken;
  int error = 0;  // an errno value
  ConnId id{};
  Socket socket{};
  std::size_t count = 0;
  std::span<char> bytes{};
};

template <class B>
concept Backend = requires(B backend, ConnId id, Socket socket, std::string_view bytes, Duration limit) {
  { backend.wait(limit) } -> std::same_as<Error>;  // an error here is persistent: the loop must end
  { backend.next() } -> std::same_as<const Completion*>;
  { backend.now() } -> std::same_as<Time>;

  { backend.accept_start() } -> std::same_as<void>;
  { backend.accept_stop() } -> std::same_as<void>;
  { backend.close_listener() } -> std::same_as<void>;  // for good: further connects are refused
  {
    backend.attach(id, socket)
    } -> std::same_as<Error>;  // receiving is on; on error the socket has been closed
  { backend.discard(socket) } -> std::same_as<void>;

  { backend.recv_start(id) } -> std::same_as<void>;
  { backend.recv_stop(id) } -> std::same_as<void>;
  { backend.send(id, bytes) } -> std::same_as<void>;
  {
    backend.shutdown_send(id)
    } -> std::same_as<void>;  // the peer reads the end of the stream after what was sent
  { backend.close(id) } -> std::same_as<void>;

  // For deadlines and the stop: what is on its way.
  { backend.more() } -> std::same_as<bool>;             // completions were left for the next wait
  { backend.unread(id) } -> std::same_as<std::size_t>;  // octets of one connection's input that are there
  {
    backend.unsent(id)
    } -> std::same_as<std::size_t>;  // octets of its output that have not reached the peer's side
  {
    backend.progress(id)
    } -> std::same_as<bool>;  // the peer took octets since the send got stuck or since the last question

  { backend.waker().wake() } -> std::same_as<void>;
};

}  // namespace httpdyno::io
