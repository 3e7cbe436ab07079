#include "loadgen/commands/measure.h"

#include <string>

#include "loadgen/commands/drive.h"
#include "loadgen/drive/stamped_io.h"
#include "loadgen/verdict/verdict.h"
#include "loadgen/work/server_counter.h"
#include "loadgen/work/target.h"
#include "net/io/epoll/epoll_io.h"
#include "net/io/socket.h"

namespace httpdyno::loadgen {

namespace {

Failure ask_for_stamps(const io::Address& server, io::Fd& keeper) {
  const Error error = begin_stamping(server, keeper);
  if (!error) return {};
  return usage_failure("--kernel-timestamps: the kernel gives none here: " + error.message());
}

}  // namespace

Failure measure(const RunOptions& options, SecondFiles& files, RunResult& result) {
  Target target;
  if (Failure failure = target.prepare(options.url, options.load)) return failure;
  ServerCounter counter(options.url, target.address, options.stats_path, options.load.timeout);
  if (!options.stats_path.empty()) {
    if (Failure failure = counter.begin()) return failure;
  }
  io::Fd keeper;  // long before the first request of the load
  if (options.kernel_timestamps) {
    if (Failure failure = ask_for_stamps(target.address, keeper)) return failure;
  }
  if (Failure failure = target.ask_once(options.load)) return failure;
  const auto drive = [&] {
    return options.kernel_timestamps ? drive_stamped(target, options, files, result)
                                     : Drive<io::EpollIo>(target, options, files).go(result);
  };
  if (Failure failure = drive()) return failure;
  for (std::size_t i = 0; i < target.first.size(); ++i) {
    ++result.tally.kinds[i].sent;
    ++result.tally.kinds[i].answered;
    result.tally.bytes_received += target.first[i].bytes_received;
  }

  if (!options.stats_path.empty() && result.end != RunEnd::server_gone) {
    std::uint64_t counted = 0;
    if (Failure failure = counter.end(counted)) {
      // What has been measured is reported all the same.
      result.counter_failure = failure.line;
    } else {
      result.server_requests = counted;
    }
  }
  gather_evidence(options, result);
  result.verdict = judge(result.evidence);
  return {};
}

}  // namespace httpdyno::loadgen
