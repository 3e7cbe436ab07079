// Assertions in two grades: ASSERT stays in every build, DASSERT only where NDEBUG is absent (debug, asan,
// tsan).
#pragma once

#include <cstdio>
#include <cstdlib>

namespace httpdyno {

[[noreturn, gnu::cold, gnu::noinline]] inline void assertion_failed(const char* expression, const char* file,
                                                                    int line) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
  std::abort();
}

}  // namespace httpdyno

#define ASSERT(expression)                            \
  (__builtin_expect(static_cast<bool>(expression), 1) \
       ? static_cast<void>(0)                         \
       : ::httpdyno::assertion_failed(#expression, __FILE__, __LINE__))

#ifdef NDEBUG
#define DASSERT(expression) static_cast<void>(sizeof(static_cast<bool>(expression)))
#else
#define DASSERT(expression) ASSERT(expression)
#endif
