// The files that grow with the run, a line or a few for each second: memory stays flat however long it lasts.
#pragma once

#include <string>

#include "loadgen/base/failure.h"
#include "loadgen/base/output_file.h"
#include "loadgen/figures/hlog.h"
#include "loadgen/figures/second.h"

namespace httpdyno::loadgen {

class SecondFiles {
 public:
  // As OutputFile's: an empty path is none, "-" the standard output, which only one may have.
  Failure open(const std::string& csv_path, const std::string& ndjson_path, const std::string& hlog_path);

  // Before the first second. `base` is when the measured part began, since the Unix epoch.
  void begin(Milliseconds base);
  // Seconds in their order, as they end. What cannot be written commit() says.
  void add(const SecondFigures& second);
  // The files appear, with what was added so far; without it none does.
  Failure commit();

  bool to_stdout() const { return csv_.to_stdout() || ndjson_.to_stdout() || hlog_.to_stdout(); }

 private:
  OutputFile csv_;
  OutputFile ndjson_;
  OutputFile hlog_;
  bool headed_ = false;  // the CSV: its columns are those of the first second
};

}  // namespace httpdyno::loadgen
