// Where the service time of a request went, by the kernel's own stamps.
#pragma once

#include <cstdint>
#include <string_view>

#include "loadgen/figures/latency.h"

namespace httpdyno::loadgen {

// Of requests of the window that were answered, in ns of the monotonic clock. The three add up to the service time.
struct KernelLatencies {
  Latency
      transmit_delay;  // the first octet is handed to the kernel -> the kernel gives the last one to the device
  Latency kernel_service;  // that -> the kernel has the last octet of the answer from the device
  Latency receive_delay;   // that -> the generator has read it: its own delay, and the scheduler's
  std::uint64_t unstamped =
      0;  // of as many requests a stamp is missing, or was made before a step of the clock

  // Calls visit(name, latency) for each, in the order of time.
  template <class Visit>
  void each(Visit visit) const {
    visit(std::string_view("transmit_delay"), transmit_delay);
    visit(std::string_view("kernel_service"), kernel_service);
    visit(std::string_view("receive_delay"), receive_delay);
  }
  void merge(const KernelLatencies& other) {
    transmit_delay.merge(other.transmit_delay);
    kernel_service.merge(other.kernel_service);
    receive_delay.merge(other.receive_delay);
    unstamped += other.unstamped;
  }
  void clear() {
    transmit_delay.clear();
    kernel_service.clear();
    receive_delay.clear();
    unstamped = 0;
  }
};

}  // namespace httpdyno::loadgen
