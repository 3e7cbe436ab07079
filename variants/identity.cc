#include "variants/identity.h"

#include <sys/utsname.h>

#include <nlohmann/json.hpp>

#include "net/base/build_info.h"
#include "variants/allocator.h"

namespace httpdyno::variants {

namespace {

std::string kernel() {
  utsname name{};
  uname(&name);
  return std::string(name.sysname) + " " + name.release + " " + name.machine;
}

}  // namespace

std::string identity_json(const Row& row) {
  const Allocator allocator = probe_allocator();
  const nlohmann::ordered_json json = {
      {"row", row.name},
      {"axes",
       {{"io", row.io},
        {"dispatch", row.dispatch},
        {"allocator", row.allocator},
        {"loops", row.loops},
        {"link_order", row.link_order}}},
      {"revision", build_info.revision},
      {"dirty", build_info.dirty},
      {"compiler", build_info.compiler},
      {"flags", build_info.flags},
      {"build_type", build_info.build_type},
      {"sanitizers", build_info.sanitizers},
      {"kernel", kernel()},
      {"allocator", allocator.name},
      {"allocator_proof", allocator.proof},
  };
  return json.dump();
}

}  // namespace httpdyno::variants
