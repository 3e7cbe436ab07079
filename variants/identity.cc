#include "variants/identity.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <sys/utsname.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "net/base/build_info.h"

namespace httpdyno::variants {

namespace {

struct Allocator {
  std::string name;
  std::string proof;
};

// The object that malloc's code lies in, and for mimalloc its own word that a live block is from its heap.
Allocator probe_allocator() {
  void* (*live_malloc)(std::size_t) = &std::malloc;
  Dl_info where{};
  void* address = nullptr;
  static_assert(sizeof address == sizeof live_malloc);
  __builtin_memcpy(&address, &live_malloc, sizeof address);
  // Through dlsym, because the address in a non-PIC program may be that of its own stub.
  if (void* found = dlsym(RTLD_DEFAULT, "malloc")) address = found;
  if (dladdr(address, &where) == 0 || where.dli_fname == nullptr)
    return {"unknown", "dladdr(malloc) found nothing"};
  std::string object = where.dli_fname;
  object.erase(0, object.find_last_of('/') + 1);
  const std::string proof = "malloc is in " + object;

  if (object.starts_with("libc.so")) return {"system", proof + ", glibc " + gnu_get_libc_version()};
  if (object.starts_with("libmimalloc")) {
    using InHeap = bool (*)(const void*);
    void* symbol = dlsym(RTLD_DEFAULT, "mi_is_in_heap_region");
    InHeap in_heap = nullptr;
    __builtin_memcpy(&in_heap, &symbol, sizeof in_heap);
    void* block = std::malloc(100);
    const bool served = in_heap != nullptr && in_heap(block);
    std::free(block);
    if (served) return {"mimalloc", proof + ", and mi_is_in_heap_region() holds for a live block"};
    return {"unknown", proof + ", but it does not know its own block"};
  }
  return {object, proof};
}

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
