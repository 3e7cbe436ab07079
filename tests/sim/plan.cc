#include "tests/sim/plan.h"

#include <algorithm>

namespace httpdyno::sim {

namespace {

constexpr Duration kFaultsEnd = 3s;

// One of two chances: not at all, or anything up to `most`.
std::uint32_t chance(Prng& random, std::uint32_t most) {
  return random.coin() ? 0 : static_cast<std::uint32_t>(random.below(most + 1));
}

Duration some_time(Prng& random, Duration most) {
  return Duration(static_cast<Duration::rep>(random.below(static_cast<std::uint64_t>(most.count()) + 1)));
}

milliseconds between(Prng& random, milliseconds low, milliseconds high) {
  return low + milliseconds(random.below(static_cast<std::uint64_t>((high - low).count()) + 1));
}

Config make_config(Prng& random, bool pooled, bool patient) {
  Config config;
  config.max_conn = static_cast<std::uint32_t>(1 + random.below(8));
  config.read_buf_cap = random.coin() ? 1 << 20 : 4096 + random.below(4096);
  config.target_bytes_max = 100 + random.below(random.coin() ? 200 : 2000);
  config.fields_max = random.coin() ? 100 : static_cast<std::uint32_t>(10 + random.below(10));
  config.output_bytes_max = random.coin() ? 256 * 1024 : 1 + random.below(2000);
  config.buffer_retain_bytes_max = random.coin() ? 64 << 20 : random.below(64 * 1024);
  config.request_count = random.below(4) == 0 ? 1 + random.below(5) : 0;
  const auto low = patient ? milliseconds(20'000) : milliseconds(1);
  const auto high = patient ? milliseconds(60'000) : milliseconds(60);
  config.pipeline_depth_max = random.coin() ? 1024 : static_cast<std::uint32_t>(1 + random.below(6));
  config.requests_per_turn = random.coin() ? 256 : static_cast<std::uint32_t>(1 + random.below(3));
  if (!patient && random.coin()) config.linger_bytes_max = random.below(2000);
  for (milliseconds* timeout :
       {&config.timeout_request, &config.timeout_head, &config.timeout_body, &config.timeout_keepalive,
        &config.timeout_write, &config.timeout_linger, &config.timeout_drain}) {
    *timeout = between(random, low, high);
  }
  if (pooled) {
    config.thread_pool_count = static_cast<std::uint32_t>(1 + random.below(3));
    config.thread_pool_backlog = static_cast<std::uint32_t>(1 + random.below(6));
    if (random.coin()) config.timeout_handler = between(random, low, high);
  }
  return config;
}

io::SimFaults make_faults(Prng& random, Time start) {
  io::SimFaults faults;
  constexpr std::size_t kTinyPipe = 64;
  const std::uint64_t pipe = random.below(8);
  faults.pipe_bytes = pipe == 0  ? 1 + random.below(kTinyPipe)
                      : pipe < 4 ? 64 + random.below(2000)
                                 : 64 * 1024;
  faults.read_bytes = random.below(8) == 0 ? 1 + random.below(300) : 64 * 1024;
  faults.latency_max = random.below(4) == 0 ? Duration::zero() : some_time(random, 2ms);
  faults.turn_max = random.coin() ? 1us : some_time(random, 500us);
  faults.short_reads = chance(random, 600);
  faults.short_writes = chance(random, 600);
  faults.would_blocks = chance(random, random.below(8) == 0 ? 900 : 200);
  faults.late_sends = chance(random, 500);
  faults.late_closes = chance(random, 500);
  faults.small_batches = chance(random, 500);
  faults.stalls = chance(random, 50);
  faults.stall_max = some_time(random, 100ms);
  faults.resets = random.coin() ? 0 : chance(random, 600);
  faults.reset_within = 50ms;
  faults.accept_errors = chance(random, 300);
  faults.accept_aborts = chance(random, 50);
  faults.attach_errors = chance(random, 50);
  faults.until = start + kFaultsEnd;
  return faults;
}

ClientPlan make_client(Prng& random, std::size_t octets) {
  ClientPlan client;
  client.manner = random.coin() ? Manner::polite : static_cast<Manner>(random.below(kManners));
  client.begins_after = random.coin() ? Duration::zero() : some_time(random, 20ms);
  client.depth = random.coin() ? 1 : 1 + random.below(12);
  client.piece_bytes = random.coin() ? SIZE_MAX : 1 + random.below(random.coin() ? 8 : 300);
  client.pauses = chance(random, client.piece_bytes < 20 ? 20 : 300);
  client.pause_max = some_time(random, 30ms);
  client.breaks_at = random.below(octets + 1);
  client.hears = random.below(4);
  client.rude = random.coin();
  return client;
}

}  // namespace

Plan make_plan(std::uint64_t seed) {
  Prng random(seed * 0x2545f4914f6cdd1dU + 1);
  Plan plan;
  plan.seed = seed;
  plan.pooled = random.coin();
  plan.patient = random.below(3) != 0;
  plan.config = make_config(random, plan.pooled, plan.patient);
  plan.faults = make_faults(random, io::SimNet::kStart);
  if (random.below(3) == 0) plan.stops_after = 1us + some_time(random, 60ms);
  const std::uint64_t clients = 1 + random.below(5);
  for (std::uint32_t i = 0; i < clients; ++i) {
    plan.scripts.push_back(make_exchanges(random, plan.config, i));
    std::size_t octets = 0;
    for (const Exchange& exchange : plan.scripts.back()) octets += exchange.octets.size();
    plan.clients.push_back(make_client(random, octets));
  }
  return plan;
}

Duration longest_run(const Plan& plan) {
  const Config& config = plan.config;
  const Duration once = config.timeout_request + config.timeout_body + config.timeout_keepalive +
                        config.timeout_write + config.timeout_linger + config.timeout_drain;
  // Each client in turn, when only one connection is allowed at a time; and the time that all of it takes.
  return kFaultsEnd + 60s + once * static_cast<std::int64_t>(plan.clients.size() + 1);
}

}  // namespace httpdyno::sim
