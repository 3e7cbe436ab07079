// Little's law as a check of the measurement itself: the time that requests were in flight is counted apart from
// their latencies (in_flight.h), and has to be the sum of these. A latency that is too long by whatever bug, or
// a request that is counted twice, makes the two differ.
#pragma once

#include <cmath>
#include <limits>

#include "loadgen/figures/histogram.h"
#include "net/base/time.h"

namespace httpdyno::loadgen {

// By how much the recorded latencies differ from the time in flight within the window, as a share of this; 0
// when there is nothing on either side. `apart` is what makes it exact in a finite window: of each request the
// part of its time that lies within, less what `service` has of it (Tally::in_flight_apart).
inline double discrepancy(Duration in_flight, const Histogram& service, Duration apart) {
  const auto counted = static_cast<double>(in_flight.count());
  const double recorded =
      service.mean() * static_cast<double>(service.total()) + static_cast<double>(apart.count());
  // The sum of the latencies has been through a division: what is lost in it is no discrepancy.
  if (std::abs(recorded - counted) <= 1e-9 * counted) return 0;
  if (counted <= 0) return std::numeric_limits<double>::infinity();
  return std::abs(recorded - counted) / counted;
}

}  // namespace httpdyno::loadgen
