// Whether a run's latency stayed what it was: percentiles of a run that drifts are those of its length.
//
// The series of medians, one a second, is tested twice: for a trend (the slope of Theil 1950 and Sen 1968, the
// median of all pairs' slopes) and for a step (the median of its second half against that of its first). Each
// has to be great, 10 % of the series' median, and great against the noise: the residuals' median absolute
// deviation, widened by their lag-1 correlation r as (1 + r) / (1 - r) widens the variance of a mean. Unlike a
// test of ranks (Mann and Kendall's) this knows that a queue that grows tenfold in ten seconds is no chance,
// and unlike least squares it does not mind a second with a stall. By simulation (stationarity_test.cc) fewer
// than 1 % of series that forget within four seconds raise a false alarm; one whose memory is a good part of its
// length looks like a drift, and is called one.
#pragma once

#include <cstddef>
#include <vector>

namespace httpdyno::loadgen {

// Of fewer values the noise cannot be told from what is looked for.
inline constexpr std::size_t kStationarityValuesMin = 8;

struct Stationarity {
  bool judged = false;  // false below kStationarityValuesMin values
  double trend = 0;     // how much the fitted line rises from the first to the last value, in medians
  double step = 0;      // how much the second half lies above the first, in medians
  bool trending = false;
  bool stepped = false;

  bool stationary() const { return !trending && !stepped; }
};

// `medians` in order of time, of equally long stretches. Of a long series neighbours are first put together,
// each group by its median, so that the cost has a bound.
Stationarity stationarity(const std::vector<double>& medians);

}  // namespace httpdyno::loadgen
