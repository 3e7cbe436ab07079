// Servers as functions: when a request that arrives now is answered. The same ones answer in virtual time and
// over sockets.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>

#include "net/base/prng.h"
#include "net/base/time.h"

namespace httpdyno::loadgen {

// Called with the times of arrival in ascending order; kNever: the request is swallowed.
using ServerScript = std::function<Time(Time arrival)>;

// Stands still during [first + i * every, first + i * every + lasts), i = 0, 1, ...
struct Stalls {
  Time first = kNever;
  Duration every = 1s;
  Duration lasts{};

  // The earliest time, from `time` on, at which it moves.
  Time over(Time time) const {
    if (time < first) return time;
    const Duration into = (time - first) % every;
    return into < lasts ? time + (lasts - into) : time;
  }
};

// As many at once as come.
inline ServerScript parallel_server(Duration service, Stalls stalls = {}) {
  return [=](Time arrival) { return stalls.over(arrival) + service; };
}

// One after another, in the order of arrival. `service` is asked once for each.
inline ServerScript serial_server(std::function<Duration()> service, Stalls stalls = {}) {
  return [=, free = Time::min()](Time arrival) mutable {
    return free = stalls.over(std::max(arrival, free)) + service();
  };
}
inline ServerScript serial_server(Duration service, Stalls stalls = {}) {
  return serial_server([=] { return service; }, stalls);
}

// Every n-th request takes `slow`, all others `fast`, as many at once as come.
inline ServerScript bimodal_server(std::uint64_t n, Duration fast, Duration slow) {
  return [=, count = std::uint64_t{0}](Time arrival) mutable {
    return arrival + (++count % n == 0 ? slow : fast);
  };
}

// Never answers every n-th request.
inline ServerScript swallowing_server(std::uint64_t n, Duration service) {
  return [=, count = std::uint64_t{0}](Time arrival) mutable {
    return ++count % n == 0 ? kNever : arrival + service;
  };
}

// Exponential service times of a seed, in whole ns.
inline std::function<Duration()> exponential_service(Duration mean, std::uint64_t seed) {
  return [mean = static_cast<double>(mean.count()), draws = Prng(seed)]() mutable {
    return Duration(static_cast<Duration::rep>(-std::log(1.0 - draws.unit()) * mean));
  };
}

}  // namespace httpdyno::loadgen
