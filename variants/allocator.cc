#include "variants/allocator.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

namespace httpdyno::variants {

namespace {

// The function of that name in whichever object comes first, or nullptr. The allocators' headers are not
// needed.
template <class Function>
Function* find_function(const char* name) {
  void* symbol = dlsym(RTLD_DEFAULT, name);
  Function* function = nullptr;
  static_assert(sizeof function == sizeof symbol);
  std::memcpy(&function, &symbol, sizeof function);
  return function;
}

// The file of the object that malloc's code lies in.
std::optional<std::string> object_of_malloc() {
  void* (*live_malloc)(std::size_t) = &std::malloc;
  void* address = nullptr;
  static_assert(sizeof address == sizeof live_malloc);
  std::memcpy(&address, &live_malloc, sizeof address);
  // Through dlsym, because the address in a non-PIC program may be that of its own stub.
  if (void* found = dlsym(RTLD_DEFAULT, "malloc")) address = found;
  Dl_info where{};
  if (dladdr(address, &where) == 0 || where.dli_fname == nullptr) return std::nullopt;
  std::string object = where.dli_fname;
  object.erase(0, object.find_last_of('/') + 1);
  return object;
}

// A block that the compiler cannot do without.
class LiveBlock {
 public:
  explicit LiveBlock(std::size_t bytes) : at_(std::malloc(bytes)) {}
  LiveBlock(const LiveBlock&) = delete;
  LiveBlock& operator=(const LiveBlock&) = delete;
  ~LiveBlock() { std::free(at_); }

  const void* at() const { return at_; }

 private:
  void* volatile at_;
};

bool mimalloc_served() {
  const auto in_heap = find_function<bool(const void*)>("mi_is_in_heap_region");
  const LiveBlock block(100);
  return in_heap != nullptr && in_heap(block.at());
}

// jemalloc says nothing about a block that may not be its own; it counts what it has given to a thread.
bool jemalloc_served() {
  const auto control = find_function<int(const char*, void*, std::size_t*, void*, std::size_t)>("mallctl");
  const auto allocated = [&] {
    std::uint64_t bytes = 0;
    std::size_t size = sizeof bytes;
    return control("thread.allocated", &bytes, &size, nullptr, 0) == 0 ? bytes : 0;
  };
  if (control == nullptr) return false;
  constexpr std::size_t kBytes = 1U << 20;
  const std::uint64_t before = allocated();
  const LiveBlock block(kBytes);
  return allocated() - before >= kBytes;
}

bool tcmalloc_served() {
  constexpr int kOwned = 1;  // MallocExtension_Ownership
  const auto ownership = find_function<int(const void*)>("MallocExtension_GetOwnership");
  const LiveBlock block(100);
  return ownership != nullptr && ownership(block.at()) == kOwned;
}

struct Witness {
  std::string_view object;  // what its file's name begins with
  std::string_view name;
  bool (*served)();
  std::string_view word;
};

constexpr Witness kWitnesses[] = {
    {"libmimalloc", "mimalloc", mimalloc_served, "mi_is_in_heap_region() holds for a live block"},
    {"libjemalloc", "jemalloc", jemalloc_served, "mallctl(\"thread.allocated\") counts a live block"},
    {"libtcmalloc", "tcmalloc", tcmalloc_served, "MallocExtension_GetOwnership() owns a live block"},
};

}  // namespace

Allocator probe_allocator() {
  const std::optional<std::string> object = object_of_malloc();
  if (!object) return {"unknown", "dladdr(malloc) found nothing"};
  const std::string proof = "malloc is in " + *object;
  if (object->starts_with("libc.so")) return {"system", proof + ", glibc " + gnu_get_libc_version()};
  for (const Witness& witness : kWitnesses) {
    if (!object->starts_with(witness.object)) continue;
    if (!witness.served()) return {"unknown", proof + ", but it does not know its own block"};
    return {std::string(witness.name), proof + ", and " + std::string(witness.word)};
  }
  return {*object, proof};
}

}  // namespace httpdyno::variants
