#include "loadgen/work/schedule.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "net/base/assert.h"

namespace httpdyno::loadgen {

namespace {

// A request at a rate of one millionth per second takes so long.
constexpr std::uint64_t kNsTimesMicro = 1'000'000'000ULL * Rate::kMicro;

// Thread i begins 2^48 draws after thread i - 1 in the generator's one cycle: no run draws so often, so the
// streams do not touch.
Prng draws_of_thread(std::uint64_t seed, std::uint32_t thread) {
  constexpr std::uint64_t kStream = std::uint64_t{1} << 48;
  // Not the sequence that the draws from a mix begin with.
  constexpr std::uint64_t kArrivals = 0x6172726976616c73;
  Prng draws(Prng(seed ^ kArrivals).next());
  draws.skip(kStream * thread);
  return draws;
}

}  // namespace

Schedule::Schedule(const Arrivals& arrivals, Time begin, Time until, std::uint32_t thread,
                   std::uint32_t threads)
    : arrivals_(arrivals),
      begin_(begin),
      until_(std::max(begin, until)),
      thread_(thread),
      threads_(threads),
      draws_(draws_of_thread(arrivals.seed, thread)) {
  ASSERT(thread < threads && (!arrivals.open() || arrivals.rate.micro > 0));
  switch (arrivals_.kind) {
    case Arrivals::Kind::closed: break;
    case Arrivals::Kind::constant: {
      const std::uint64_t rate = arrivals_.rate.micro;
      const Wide step = Wide{threads} * kNsTimesMicro;
      step_ns_ = static_cast<std::uint64_t>(
          std::min(step / rate, Wide{std::numeric_limits<std::uint64_t>::max()} - 1));
      step_rest_ = static_cast<std::uint64_t>(step % rate);
      const Wide first = Wide{thread} * kNsTimesMicro;
      rest_ = static_cast<std::uint64_t>(first % rate);
      due_ = begin_;
      move_by(static_cast<std::uint64_t>(
          std::min(first / rate, Wide{std::numeric_limits<std::uint64_t>::max()})));
      break;
    }
    case Arrivals::Kind::poisson:
      mean_gap_ns_ = static_cast<double>(threads) * static_cast<double>(kNsTimesMicro) /
                     static_cast<double>(arrivals_.rate.micro);
      due_ = begin_;
      draw_gap();
      break;
    case Arrivals::Kind::ramp:
      ASSERT(arrivals_.rate_to.micro > 0);
      place_by_ramp();
      break;
  }
}

void Schedule::advance() {
  DASSERT(due_ != kNever);
  ++taken_;
  switch (arrivals_.kind) {
    case Arrivals::Kind::closed: break;
    case Arrivals::Kind::constant: {
      // floor(k * 10^9 / rate) without a division for each k: the remainder is carried along, so the sum is
      // exact for ever.
      rest_ += step_rest_;
      const bool carry = rest_ >= arrivals_.rate.micro;
      if (carry) rest_ -= arrivals_.rate.micro;
      move_by(step_ns_ + (carry ? 1 : 0));
      break;
    }
    case Arrivals::Kind::poisson: draw_gap(); break;
    case Arrivals::Kind::ramp: place_by_ramp(); break;
  }
}

void Schedule::move_by(std::uint64_t gap_ns) {
  const auto left_ns = static_cast<std::uint64_t>((until_ - due_).count());
  due_ = gap_ns < left_ns ? due_ + Duration(static_cast<Duration::rep>(gap_ns)) : kNever;
}

// -ln(U) / lambda with U in (0, 1]. The sum is kept as whole ns and a fraction: its error does not grow with
// the time since the beginning.
void Schedule::draw_gap() {
  const double gap_ns = fraction_ns_ - std::log(1.0 - draws_.unit()) * mean_gap_ns_;
  if (gap_ns >= static_cast<double>((until_ - due_).count())) {
    due_ = kNever;
    return;
  }
  const auto whole_ns = static_cast<std::uint64_t>(gap_ns);
  fraction_ns_ = gap_ns - static_cast<double>(whole_ns);
  move_by(whole_ns);
}

// Until t there are N(t) = r t + s t^2 / 2 requests, s = (r_to - r) / length: request k is due where N(t) = k.
// The root is written so that nothing cancels when s is small. To the nearest ns, as there is no exact one.
void Schedule::place_by_ramp() {
  const double from = arrivals_.rate.per_second();
  const double length = std::chrono::duration<double>(until_ - begin_).count();
  const double slope = (arrivals_.rate_to.per_second() - from) / length;
  const auto k = static_cast<double>(index());
  const double square = from * from + 2 * slope * k;
  const double ns = square < 0 ? length * 1e9 : std::round(2e9 * k / (from + std::sqrt(square)));
  due_ = ns < static_cast<double>((until_ - begin_).count())
             ? begin_ + Duration(static_cast<Duration::rep>(ns))
             : kNever;
}

}  // namespace httpdyno::loadgen
