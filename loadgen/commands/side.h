// One of the two servers of a comparison, and all that drives it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "loadgen/base/clocks.h"
#include "loadgen/base/failure.h"
#include "loadgen/base/url.h"
#include "loadgen/commands/options.h"
#include "loadgen/commands/slices.h"
#include "loadgen/drive/worker.h"
#include "loadgen/figures/tally.h"
#include "loadgen/work/target.h"
#include "net/io/epoll/epoll_io.h"

namespace httpdyno::loadgen {

// Used in this order: begin(), connect(), drive() again and again, listen(). `options` outlives it.
class Side {
 public:
  Side(SideName name, const VersusOptions& options);
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;

  // Opens the CPU clocks and asks for the first answers.
  Failure begin();
  // Once both sides' first answers are known to be alike.
  Failure connect();
  // One slice; poisson arrivals are drawn by `seed`. Returns when everything that was sent has been answered, or
  // has been given up, which is a failure: the server would go on with it in the other side's slice.
  Failure drive(std::uint64_t seed, Slice& out);
  // After the last slice. A server that is one answer ahead is found out here.
  void listen();

  const std::vector<Answer>& first() const { return target_.first; }
  SideName name() const { return name_; }
  const Url& url() const { return url_; }
  // Of all slices so far.
  const Tally& tally() const { return tally_; }
  // Of the last slice: of the responses in an open loop, else of the service.
  const Latency& latency() const {
    return open_loop() ? slice_latencies_.response : slice_latencies_.service;
  }
  // Everything that this server has answered, settling pairs and the first answers too.
  std::uint64_t requests() const { return tally_.answered() + first().size(); }

 private:
  bool open_loop() const { return options_.arrivals.open(); }
  Failure read_cpu(Duration& out) const;
  Failure gone(const std::string& why) const;

  const SideName name_;
  const VersusOptions& options_;
  const Url& url_;
  const std::vector<int>& pids_;
  std::vector<ProcessCpuClock> clocks_;  // one for each of them
  Target target_;
  io::EpollIo io_;
  std::unique_ptr<Worker<io::EpollIo>> worker_;
  Tally tally_;
  Tally slice_tally_;
  Latencies slice_latencies_;
};

}  // namespace httpdyno::loadgen
