#include "loadgen/report/second_files.h"

#include <chrono>

#include "loadgen/figures/csv.h"
#include "loadgen/report/ndjson.h"

namespace httpdyno::loadgen {

namespace {

Milliseconds milliseconds(double seconds) {
  return std::chrono::round<Milliseconds>(std::chrono::duration<double>(seconds));
}

}  // namespace

Failure SecondFiles::open(const std::string& csv_path, const std::string& ndjson_path,
                          const std::string& hlog_path) {
  if (Failure failure = csv_.open(csv_path)) return failure;
  if (Failure failure = ndjson_.open(ndjson_path)) return failure;
  return hlog_.open(hlog_path);
}

// The failures here are those that commit() returns again.

void SecondFiles::begin(Milliseconds base) {
  if (hlog_.wanted()) static_cast<void>(hlog_.append(hlog_header(base)));
}

void SecondFiles::add(const SecondFigures& second) {
  if (csv_.wanted()) {
    static_cast<void>(csv_.append((headed_ ? "" : csv_header(second)) + csv_row(second)));
    headed_ = true;
  }
  if (ndjson_.wanted()) static_cast<void>(ndjson_.append(second_ndjson(second)));
  if (!hlog_.wanted()) return;
  second.each_latency([&](std::string_view name, const Latency& latency) {
    static_cast<void>(
        hlog_.append(hlog_lines(name, milliseconds(second.begin_s), milliseconds(second.length_s), latency)));
  });
}

Failure SecondFiles::commit() {
  if (Failure failure = csv_.commit()) return failure;
  if (Failure failure = ndjson_.commit()) return failure;
  return hlog_.commit();
}

}  // namespace httpdyno::loadgen
