#include "loadgen/commands/drive.h"
#include "loadgen/drive/stamped_io.h"

namespace httpdyno::loadgen {

Failure drive_stamped(const Target& target, const RunOptions& options, SecondFiles& files, RunResult& out) {
  return Drive<StampedIo>(target, options, files).go(out);
}

}  // namespace httpdyno::loadgen
