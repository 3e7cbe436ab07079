// Counts a program's allocations while it runs: loaded in front of its allocator, whichever that is, by LD_PRELOAD.
//
// HTTPDYNO_ALLOCATIONS names a file that others may read at any time: see Page. Every call is counted once, however
// it is spelled: operator new is a malloc here, as it is in the C++ library, where allocators have one of their own.
// Counting costs an atomic addition, so times are measured without it.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

// What the file holds. The counts are of calls since the program began; free(nullptr) is none. The octets are those
// that were asked for and given, with all that a realloc asks for.
struct Page {
  char names[64] = "malloc calloc realloc aligned_alloc free bytes";
  std::atomic<std::uint64_t> malloc, calloc, realloc, aligned_alloc, free, bytes;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

// Until the file is there.
constinit Page early{};
constinit std::atomic<Page*> page{&early};

void count(std::atomic<std::uint64_t> Page::*of, std::uint64_t more = 1) {
  (page.load(std::memory_order_relaxed)->*of).fetch_add(more, std::memory_order_relaxed);
}

void* given(void* block, std::size_t bytes) {
  if (block != nullptr) count(&Page::bytes, bytes);
  return block;
}

// Before there is a second thread, as a rule; what another one counts during the change is lost.
[[gnu::constructor]] void open_page() {
  const char* path = std::getenv("HTTPDYNO_ALLOCATIONS");
  if (path == nullptr) return;
  const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0 || ftruncate(fd, sizeof(Page)) != 0) std::abort();
  void* mapped = mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) std::abort();
  close(fd);
  Page* shared = new (mapped) Page;
  shared->malloc = early.malloc.load();
  shared->calloc = early.calloc.load();
  shared->realloc = early.realloc.load();
  shared->aligned_alloc = early.aligned_alloc.load();
  shared->free = early.free.load();
  shared->bytes = early.bytes.load();
  page = shared;
}

// The function of that name behind this library: the allocator's.
template <class Function>
class Next {
 public:
  explicit constexpr Next(const char* name) : name_(name) {}

  template <class... Arguments>
  auto operator()(Arguments... arguments) {
    Function* function = function_.load(std::memory_order_relaxed);
    if (function == nullptr) {
      void* symbol = dlsym(RTLD_NEXT, name_);
      if (symbol == nullptr) std::abort();
      std::memcpy(&function, &symbol, sizeof function);
      function_.store(function, std::memory_order_relaxed);
    }
    return function(arguments...);
  }

 private:
  const char* name_;
  std::atomic<Function*> function_{nullptr};
};

constinit Next<void*(std::size_t)> next_malloc("malloc");
constinit Next<void*(std::size_t, std::size_t)> next_calloc("calloc");
constinit Next<void*(void*, std::size_t)> next_realloc("realloc");
constinit Next<void*(std::size_t, std::size_t)> next_memalign("memalign");
constinit Next<void(void*)> next_free("free");

void* or_throw(void* block) {
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

std::size_t number(std::align_val_t alignment) { return static_cast<std::size_t>(alignment); }

}  // namespace

extern "C" {

void* malloc(std::size_t bytes) noexcept {
  count(&Page::malloc);
  return given(next_malloc(bytes), bytes);
}

void* calloc(std::size_t members, std::size_t bytes) noexcept {
  count(&Page::calloc);
  return given(next_calloc(members, bytes), members * bytes);
}

void* realloc(void* block, std::size_t bytes) noexcept {
  count(&Page::realloc);
  return given(next_realloc(block, bytes), bytes);
}

void free(void* block) noexcept {
  if (block == nullptr) return;
  count(&Page::free);
  next_free(block);
}

void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
  count(&Page::aligned_alloc);
  return given(next_memalign(alignment, bytes), bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept { return memalign(alignment, bytes); }

int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) noexcept {
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) return EINVAL;
  void* found = memalign(alignment, bytes);
  if (found == nullptr) return ENOMEM;
  *block = found;
  return 0;
}

}  // extern "C"

// All of them: an allocator's library has each, and they would come before those of the C++ library.
using Alignment = std::align_val_t;
using NoThrow = std::nothrow_t;
void* operator new(std::size_t bytes) { return or_throw(malloc(bytes)); }
void* operator new[](std::size_t bytes) { return or_throw(malloc(bytes)); }
void* operator new(std::size_t bytes, const NoThrow&) noexcept { return malloc(bytes); }
void* operator new[](std::size_t bytes, const NoThrow&) noexcept { return malloc(bytes); }
void* operator new(std::size_t bytes, Alignment a) { return or_throw(memalign(number(a), bytes)); }
void* operator new[](std::size_t bytes, Alignment a) { return or_throw(memalign(number(a), bytes)); }
void* operator new(std::size_t bytes, Alignment a, const NoThrow&) noexcept {
  return memalign(number(a), bytes);
}
void* operator new[](std::size_t bytes, Alignment a, const NoThrow&) noexcept {
  return memalign(number(a), bytes);
}
void operator delete(void* block) noexcept { free(block); }
void operator delete[](void* block) noexcept { free(block); }
void operator delete(void* block, std::size_t) noexcept { free(block); }
void operator delete[](void* block, std::size_t) noexcept { free(block); }
void operator delete(void* block, const NoThrow&) noexcept { free(block); }
void operator delete[](void* block, const NoThrow&) noexcept { free(block); }
void operator delete(void* block, Alignment) noexcept { free(block); }
void operator delete[](void* block, Alignment) noexcept { free(block); }
void operator delete(void* block, std::size_t, Alignment) noexcept { free(block); }
void operator delete[](void* block, std::size_t, Alignment) noexcept { free(block); }
void operator delete(void* block, Alignment, const NoThrow&) noexcept { free(block); }
void operator delete[](void* block, Alignment, const NoThrow&) noexcept { free(block); }
