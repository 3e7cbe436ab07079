// What bench/count/allocations.cc counts of this program, in which it is loaded. Run by CMakeLists.txt with each
// allocator.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

namespace httpdyno {
namespace {

struct Counts {
  std::uint64_t malloc, calloc, realloc, aligned_alloc, free, bytes;
  friend bool operator==(const Counts&, const Counts&) = default;
};

// Read as any other process would; nothing is allocated.
Counts counts() {
  struct {
    char names[64];
    Counts counts;
  } page{};
  const int fd = open(std::getenv("HTTPDYNO_ALLOCATIONS"), O_RDONLY | O_CLOEXEC);
  if (read(fd, &page, sizeof page) != sizeof page) std::abort();
  close(fd);
  if (std::strcmp(page.names, "malloc calloc realloc aligned_alloc free bytes") != 0) std::abort();
  return page.counts;
}

template <class Work>
Counts counted(Work work) {
  const Counts before = counts();
  work();
  const Counts after = counts();
  return {after.malloc - before.malloc,   after.calloc - before.calloc,
          after.realloc - before.realloc, after.aligned_alloc - before.aligned_alloc,
          after.free - before.free,       after.bytes - before.bytes};
}

TEST(Allocations, NothingIsCountedOfNothing) {
  EXPECT_EQ(counted([] { free(nullptr); }), (Counts{0, 0, 0, 0, 0, 0}));
}

TEST(Allocations, EachFunctionIsCountedOnce) {
  const Counts c = counted([] {
    void* blocks[7] = {malloc(10), malloc(100'000), calloc(3, 7), realloc(nullptr, 5)};
    blocks[3] = realloc(blocks[3], 50'000);
    blocks[4] = aligned_alloc(64, 128);
    blocks[5] = memalign(256, 3);
    if (posix_memalign(&blocks[6], 4096, 5000) != 0) std::abort();
    for (void* block : blocks) {
      std::memset(block, 1, 3);
      free(block);
    }
  });
  // A realloc counts in whole.
  EXPECT_EQ(c, (Counts{2, 1, 2, 3, 7, 10 + 100'000 + 3 * 7 + 5 + 50'000 + 128 + 3 + 5000}));
}

TEST(Allocations, EachNewIsAMalloc) {
  const Counts c = counted([] {
    struct alignas(128) Wide {
      char octets[128];
    };
    ::operator delete(::operator new(10));
    ::operator delete[](::operator new[](10));
    ::operator delete(::operator new(10, std::nothrow), std::nothrow);
    ::operator delete[](::operator new[](10, std::nothrow), std::nothrow);
    ::operator delete (::operator new(10), std::size_t{10});
    ::operator delete(::operator new(128, std::align_val_t(128)), std::align_val_t(128));
    ::operator delete[](::operator new[](128, std::align_val_t(128)), 128, std::align_val_t(128));
    ::operator delete(::operator new(128, std::align_val_t(128), std::nothrow), std::align_val_t(128));
  });
  EXPECT_EQ(c, (Counts{5, 0, 0, 3, 8, 5 * 10 + 3 * 128}));
}

TEST(Allocations, RefusalsAreTheAllocators) {
  void* block = nullptr;
  EXPECT_EQ(posix_memalign(&block, 24, 1), EINVAL);
  EXPECT_EQ(posix_memalign(&block, 0, 1), EINVAL);
  const volatile std::size_t too_much = SIZE_MAX / 2;
  const std::uint64_t bytes = counts().bytes;
  EXPECT_EQ(malloc(too_much), nullptr);
  EXPECT_THROW(static_cast<void>(::operator new(too_much)), std::bad_alloc);
  EXPECT_EQ(::operator new(too_much, std::nothrow), nullptr);
  EXPECT_LT(counts().bytes - bytes, 10'000U);  // the exception's own
}

TEST(Allocations, ThreadsLoseNone) {
  constexpr std::uint64_t kEach = 20'000;
  std::vector<std::thread> threads;
  const Counts c = counted([&] {
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([] {
        for (std::uint64_t n = 0; n < kEach; ++n) free(malloc(n % 1000));
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  // Beside what threads themselves take.
  EXPECT_GE(c.malloc, 4 * kEach);
  EXPECT_LT(c.malloc, 4 * kEach + 100);
  EXPECT_GE(c.free, 4 * kEach);
}

}  // namespace
}  // namespace httpdyno
