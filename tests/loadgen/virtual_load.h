// A whole run in virtual time: workers with their schedules and a scripted server, without a socket and
// without waiting. What comes out is exact.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "loadgen/drive/worker.h"
#include "loadgen/figures/tally.h"
#include "loadgen/work/schedule.h"
#include "loadgen/work/script.h"
#include "tests/loadgen/fake_io.h"
#include "tests/loadgen/scripted.h"
#include "tests/loadgen/url_of.h"

namespace httpdyno::loadgen {

struct VirtualLoad {
  Arrivals arrivals{};
  Duration length = 1s;
  std::uint32_t threads = 1;
  std::uint32_t connections = 1;  // of each thread
  std::uint32_t pipeline = 1;
  Duration timeout = 1h;
  Duration drain = 2h;
  std::uint64_t queue_limit = 0;
  bool keep_alive = true;
  Duration connect_time{};
  std::function<void(FakeIo& io, Time begin)> meanwhile{};  // what else is to happen
};

struct VirtualRun {
  RunEnd end = RunEnd::done;
  Tally tally;
  Latencies latencies;
  std::uint64_t due = 0;

  const Histogram& response() const { return latencies.response.values(); }
  const Histogram& service() const { return latencies.service.values(); }
};

// `make(begin)` is the server from the beginning of the load on. Threads run one after another, each from the
// same moment and against a server of its own: with several the server must be one that they cannot feel each
// other through.
inline VirtualRun run_virtually(const VirtualLoad& load,
                                const std::function<ServerScript(Time begin)>& make) {
  const RequestSpec spec;
  const Script script =
      make_script(url_of("http://h/"), {&spec, 1}, load.pipeline, load.keep_alive ? Script::kUnlimited : 1);
  VirtualRun out;
  for (std::uint32_t thread = 0; thread < load.threads; ++thread) {
    FakeIo io;
    // Those of a run with keep-alive are made before it.
    io.connect_time = load.keep_alive ? Duration::zero() : load.connect_time;
    const Time begin = FakeClock::now();
    const Time until = begin + load.length;
    io.on_request = [&io, &load, answer = make(begin), last = std::map<std::uint64_t, Time>()](
                        io::ConnId id, std::string_view bytes) mutable {
      constexpr std::string_view kEnd = "\r\n\r\n";
      Time& when = last[(std::uint64_t{id.generation} << 32) | id.index];
      for (std::size_t at = 0; (at = bytes.find(kEnd, at)) != std::string_view::npos; at += kEnd.size()) {
        when = std::max(when, answer(FakeClock::now()));  // a connection's answers come in order
        if (when == kNever) continue;
        io.answer(id,
                  load.keep_alive ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
                                  : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK",
                  when);
        if (!load.keep_alive) io.end(id, when);
      }
    };
    io.spin_to = [next = Schedule(load.arrivals, begin, until, thread, load.threads)](Time now) mutable {
      while (next.due() <= now) next.advance();
      return next.due();
    };
    Worker<FakeIo, FakeClock> worker(io, script,
                                     WorkerConfig{.server = {},
                                                  .connections = load.connections,
                                                  .timeout = load.timeout,
                                                  .arrivals = load.arrivals,
                                                  .thread = thread,
                                                  .threads = load.threads,
                                                  .queue_limit = load.queue_limit});
    if (load.meanwhile) load.meanwhile(io, begin);
    worker.connect_all();
    EXPECT_EQ(FakeClock::now(), begin);
    worker.ledger().set_window({begin, until});
    out.end = worker.run(begin, until, load.drain);
    worker.ledger().take_all(out.tally);
    out.due += worker.due();
  }
  out.latencies = out.tally.latencies();
  return out;
}

}  // namespace httpdyno::loadgen
