// What a right load generator must print, from the definition of what it drives: closed forms, in ns.
//
// A stalling server does nothing for D out of every T and takes s for a request otherwise; of its capacity
// the load uses the share rho, and the backlog of a stall is gone before the next one, D < (1 - rho) T. A
// request that is due t after the stall began waits D - t (1 - rho): for the rest of the stall, and for those
// before it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "loadgen/base/rate.h"
#include "net/base/time.h"

namespace httpdyno::loadgen::oracle {

inline double ns(Duration duration) { return static_cast<double>(duration.count()); }
inline std::int64_t whole_ns(double value) { return std::llround(value); }

struct StallingServer {
  Duration service;  // s
  Duration lasts;    // D
  Duration every;    // T
  double rho = 0;

  std::int64_t quantile(double percent) const {
    const double above = (100 - percent) / 100;
    return whole_ns(ns(service) + std::max(0.0, ns(lasts) - above * (1 - rho) * ns(every)));
  }
  double mean() const { return ns(service) + ns(lasts) * ns(lasts) / (2 * (1 - rho) * ns(every)); }
  // Of a constant rate with a request due at the very beginning of each stall: the integral above as a sum.
  double mean_of_series(Rate rate) const {
    const double gap = 1e9 / rate.per_second();
    return mean() + ns(lasts) * gap / (2 * ns(every));
  }
};

// A server that takes longer than the time between two requests: request k of the series.
inline Duration overloaded_response(std::uint64_t k, Duration gap, Duration service) {
  return static_cast<Duration::rep>(k) * (service - gap) + service;
}

// Poisson arrivals at lambda to one server of exponential service times at mu, both per second.
struct MM1 {
  double lambda;
  double mu;

  double mean() const { return 1e9 / (mu - lambda); }
  double quantile(double percent) const { return -std::log((100 - percent) / 100) * mean(); }
};

// The same with a service time that is always s: how long a request waits on average before its service.
inline double mean_wait_md1(double rho, Duration service) { return rho * ns(service) / (2 * (1 - rho)); }

}  // namespace httpdyno::loadgen::oracle
