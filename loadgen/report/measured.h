// The latencies of a run, or of one kind of its requests, with what each percentile is worth.
#pragma once

#include <array>
#include <string_view>

#include "loadgen/figures/batches.h"
#include "loadgen/figures/kernel_latency.h"
#include "loadgen/figures/latency.h"
#include "loadgen/figures/quantile.h"
#include "loadgen/report/levels.h"

namespace httpdyno::loadgen {

// The same latencies by time.
struct Series {
  Batches queue;
  Batches service;
  Batches first_byte;
  Batches response;

  void add(const Latencies& tick) {
    queue.add(tick.queue.values());
    service.add(tick.service.values());
    first_byte.add(tick.first_byte.values());
    response.add(tick.response.values());
  }
};

struct KernelSeries {
  Batches transmit_delay;
  Batches kernel_service;
  Batches receive_delay;

  void add(const KernelLatencies& tick) {
    transmit_delay.add(tick.transmit_delay.values());
    kernel_service.add(tick.kernel_service.values());
    receive_delay.add(tick.receive_delay.values());
  }
};

using Quantiles = std::array<Quantile, kLevels.size()>;

inline Quantiles quantiles_of(const Latency& latency, const Batches& batches) {
  Quantiles out;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = quantile(latency, batches, kLevels[i].percent);
  return out;
}

struct Measured {
  Latencies latencies;
  Quantiles queue;
  Quantiles service;
  Quantiles first_byte;
  Quantiles response;
  Series series;

  Measured() = default;
  Measured(const Latencies& all, const Series& by_time)
      : latencies(all),
        queue(quantiles_of(all.queue, by_time.queue)),
        service(quantiles_of(all.service, by_time.service)),
        first_byte(quantiles_of(all.first_byte, by_time.first_byte)),
        response(quantiles_of(all.response, by_time.response)),
        series(by_time) {}

  // Of any other percentile.
  Quantile response_at(double percent) const {
    return quantile(latencies.response, series.response, percent);
  }

  // Calls visit(name, latency, quantiles) for each that the run has.
  template <class Visit>
  void each(bool open_loop, Visit visit) const {
    if (open_loop) visit(std::string_view("response"), latencies.response, response);
    if (open_loop) visit(std::string_view("queue"), latencies.queue, queue);
    visit(std::string_view("service"), latencies.service, service);
    visit(std::string_view("first_byte"), latencies.first_byte, first_byte);
  }
};

// Of all kinds, where the kernel's stamps were asked for.
struct KernelMeasured {
  KernelLatencies latencies;
  Quantiles transmit_delay;
  Quantiles kernel_service;
  Quantiles receive_delay;

  KernelMeasured(const KernelLatencies& all, const KernelSeries& by_time)
      : latencies(all),
        transmit_delay(quantiles_of(all.transmit_delay, by_time.transmit_delay)),
        kernel_service(quantiles_of(all.kernel_service, by_time.kernel_service)),
        receive_delay(quantiles_of(all.receive_delay, by_time.receive_delay)) {}

  // As Measured::each().
  template <class Visit>
  void each(Visit visit) const {
    visit(std::string_view("transmit_delay"), latencies.transmit_delay, transmit_delay);
    visit(std::string_view("kernel_service"), latencies.kernel_service, kernel_service);
    visit(std::string_view("receive_delay"), latencies.receive_delay, receive_delay);
  }
};

}  // namespace httpdyno::loadgen
