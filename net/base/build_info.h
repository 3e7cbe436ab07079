// What the build knows of itself. The values are in a file that the build writes anew when they change.
#pragma once

namespace httpdyno {

struct BuildInfo {
  const char* version;   // of the project
  const char* revision;  // git commit, or "unknown" outside a checkout
  bool dirty;            // sources differed from that commit
  const char* compiler;
  const char* flags;
  const char* build_type;
  const char* sanitizers;
};

extern const BuildInfo build_info;

}  // namespace httpdyno
