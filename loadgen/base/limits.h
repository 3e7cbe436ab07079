// Every bound of the load generator in one place, and how they relate.
#pragma once

#include <cstddef>
#include <cstdint>

#include "net/base/time.h"

namespace httpdyno::loadgen {

// What a command line may ask for; more is a usage failure.
inline constexpr std::uint32_t kConnectionsMax = 1'000'000;
inline constexpr std::uint32_t kThreadsMax = 256;
inline constexpr std::uint32_t kPipelineMax = 1024;
inline constexpr std::uint32_t kKneeStepsMax = 1000;
inline constexpr std::size_t kBodyBytesMax = std::size_t{64} << 20;
inline constexpr std::size_t kBatchBytesMax = std::size_t{256} << 20;  // of a whole batch's bodies

// Of a mix. Each thread keeps a histogram for each kind, a quarter of a megabyte; each connection keeps the
// octets of its batch when that is more than one request.
inline constexpr std::size_t kMixFileBytesMax = std::size_t{64} << 20;
inline constexpr std::size_t kKindsMax = 64;
inline constexpr std::size_t kKindNameBytesMax = 64;
inline constexpr std::uint64_t kWeightMax = 1'000'000'000;
inline constexpr std::size_t kMixedBatchesBytesMax = std::size_t{1} << 30;  // bodies, over all connections

// Of logs that are merged: for each tag there is a histogram, and a line is a histogram in Base64 with some
// words in front of it.
inline constexpr std::size_t kHlogTagsMax = 64;
inline constexpr std::int64_t kHlogValuesMax =
    (std::int64_t{1} << 48) - 1;  // of a tag, in all: as Batches counts
inline constexpr std::size_t kHlogLineBytesMax = std::size_t{1} << 20;

// How much of the first answer's body is kept for comparing: an echo of every body that may be sent.
inline constexpr std::size_t kBodyKept = kBodyBytesMax;
// Heads beyond this are parsed each time.
inline constexpr std::size_t kHeadMemoBytes = 1024;

// How often a worker looks for timeouts and for connections to be made again: so that a look at all of them
// takes less than a hundredth of its time.
inline constexpr Duration kCheckEvery = 10ms;
inline constexpr Duration kCheckPerConnection = 1us;
constexpr Duration check_interval(std::uint32_t connections) {
  return kCheckEvery + kCheckPerConnection * connections;
}
// For how many turns in a row a check gives way to completions that a backend still holds back.
inline constexpr std::uint32_t kDeferredChecksMax = 256;

// How often a worker hands over what it has counted. Every second is made of them.
inline constexpr Duration kTick = 100ms;
// Ticks are counted from the beginning of the measured part: the first that ends after `now`.
constexpr Time tick_after(Time now, Time from) {
  const Duration since = from == kNever ? Duration::zero() : (now - from) % kTick;
  return now + kTick - (since < Duration::zero() ? since + kTick : since);
}
// So long after a tick's end it is taken: the workers have handed it over by then.
inline constexpr Duration kTickGrace = 20ms;
// So long before a request is due a worker with a free connection stops sleeping: above what a sleep may take
// too long, with a timer slack of 1 ns.
inline constexpr Duration kSpinAhead = 60us;
// A turn of a worker's loop that takes so much longer than its wait did not work: it was stopped, or was not
// given a core.
inline constexpr Duration kPauseMin = 20ms;

// So many looks at the clocks before a run tell where the kernel's stamps stand, within tens of ns.
inline constexpr int kKernelClockLooks = 16;

// How many causes of errors are told apart in detail.
inline constexpr std::size_t kErrorCausesMax = 256;

// How many connects one worker has under way before the load begins: below every usual listen backlog.
inline constexpr std::uint32_t kConnectsAtOnce = 128;
// The pause after a connection that ended with an error: a dead server is not hammered.
inline constexpr Duration kRetryAfter = 10ms;
// How long connections are listened to after the last answer of a run: what comes then answers no request.
inline constexpr Duration kLastListen = 20ms;
// Without any connection for so long, the server counts as gone.
inline constexpr Duration kGoneAfter = 1s;

// How long a server may take to end a connection whose last answer it has given. Waiting for it leaves
// TIME_WAIT with the server: the side that ends first keeps the port for a minute, and a client has only so
// many.
inline constexpr Duration kLinger = 100ms;

// How long is waited for outstanding answers after the last request: requests time out one by one, and the
// last look at them comes within two intervals. After an interruption nobody waits longer than
// kInterruptedDrain.
constexpr Duration drain_limit(Duration timeout, std::uint32_t connections) {
  return timeout + 2 * check_interval(connections);
}
inline constexpr Duration kInterruptedDrain = 1s;

static_assert(kRetryAfter >= kCheckEvery, "a connection is made again by a check at the earliest");
static_assert(kGoneAfter > 10 * kRetryAfter, "many attempts before a server counts as gone");
static_assert(kLinger > kCheckEvery);
static_assert(kWeightMax <= UINT64_MAX / kKindsMax, "a sum of weights does not overflow");
static_assert(kBatchBytesMax >= kBodyBytesMax && kBodyKept >= kBodyBytesMax);

}  // namespace httpdyno::loadgen
