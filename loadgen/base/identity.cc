#include "loadgen/base/identity.h"

#include <sys/utsname.h>

#include <nlohmann/json.hpp>

#include "net/base/build_info.h"

namespace httpdyno::loadgen {

std::string_view version() { return build_info.version; }

std::string identity_json() {
  utsname name{};
  uname(&name);
  const nlohmann::ordered_json json = {
      {"program", "loadgen"},
      {"version", version()},
      {"revision", build_info.revision},
      {"dirty", build_info.dirty},
      {"compiler", build_info.compiler},
      {"flags", build_info.flags},
      {"build_type", build_info.build_type},
      {"sanitizers", build_info.sanitizers},
      {"kernel", std::string(name.sysname) + " " + name.release + " " + name.machine},
  };
  return json.dump();
}

}  // namespace httpdyno::loadgen
