// Synthetic series whose true quantiles are known: independent values, and such as a server gives that is
// slow at times.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <utility>

#include "net/base/prng.h"

namespace httpdyno::loadgen::synthetic {

inline double exponential(Prng& random) { return -std::log1p(-random.unit()); }

// Two values per pass (Marsaglia's polar method).
class Normal {
 public:
  double operator()(Prng& random) {
    if (spare_ != 0) return std::exchange(spare_, 0);
    double x = 0;
    double y = 0;
    double square = 0;
    do {
      x = 2 * random.unit() - 1;
      y = 2 * random.unit() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square == 0);
    const double factor = std::sqrt(-2 * std::log(square) / square);
    spare_ = x * factor;
    return y * factor;
  }

 private:
  double spare_ = 0;
};

// A Gaussian AR(1) process of mean 0 and variance 1 whose correlation falls to 1/e in `memory` values.
class Drift {
 public:
  Drift(double memory, Prng& random)
      : keeps_(std::exp(-1 / memory)), fresh_(std::sqrt(1 - keeps_ * keeps_)), state_(normal_(random)) {}
  double next(Prng& random) {
    state_ = keeps_ * state_ + fresh_ * normal_(random);
    return state_;
  }

 private:
  Normal normal_;
  double keeps_;
  double fresh_;
  double state_;
};

// Fast and slow phases in turn, of exponential lengths (in values).
class Phases {
 public:
  Phases(double fast, double slow, Prng& random)
      : lengths_{fast, slow}, slow_(random.unit() * (fast + slow) < slow) {
    left_ = lengths_[slow_ ? 1 : 0] * exponential(random);
  }
  bool slow(Prng& random) {
    while (left_ <= 0) {
      slow_ = !slow_;
      left_ += lengths_[slow_ ? 1 : 0] * exponential(random);
    }
    left_ -= 1;
    return slow_;
  }

 private:
  double lengths_[2];
  bool slow_;
  double left_ = 0;
};

// Where a distribution function reaches `share`.
inline double inverse(const std::function<double(double)>& distribution, double share) {
  double low = 0;
  double high = 1e7;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (distribution(middle) < share ? low : high) = middle;
  }
  return low;
}

}  // namespace httpdyno::loadgen::synthetic
