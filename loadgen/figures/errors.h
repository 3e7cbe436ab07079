// Errors by kind, counted. One row of errors.def gives the enumerator, the text and the JSON key.
//
// A request that was sent is counted in exactly one place: answered well, answered badly (status, length,
// body) or unanswered (read, write, timeout, parse, closed). A lost connection with k requests outstanding is
// k errors. connect and unsolicited count events that belong to no request.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string_view>

namespace httpdyno::loadgen {

enum class ErrorKind : std::uint8_t {
#define LOADGEN_ERROR(name, text) name,
#include "loadgen/figures/errors.def"
#undef LOADGEN_ERROR
};

struct ErrorRow {
  ErrorKind kind;
  std::string_view key;
  std::string_view text;
};

inline constexpr std::array kErrorRows = {
#define LOADGEN_ERROR(name, text) ErrorRow{ErrorKind::name, #name, text},
#include "loadgen/figures/errors.def"
#undef LOADGEN_ERROR
};
inline constexpr std::size_t kErrorKinds = kErrorRows.size();

class ErrorCounts {
 public:
  // `code` is the errno value behind it, or 0. The first of each kind is kept: it is what the summary names.
  void add(ErrorKind kind, std::uint64_t count, int code = 0) {
    if (count == 0) return;
    const auto at = static_cast<std::size_t>(kind);
    counts_[at] += count;
    if (codes_[at] == 0) codes_[at] = code;
  }
  void merge(const ErrorCounts& other) {
    for (std::size_t i = 0; i < kErrorKinds; ++i) {
      counts_[i] += other.counts_[i];
      if (codes_[i] == 0) codes_[i] = other.codes_[i];
    }
  }

  std::uint64_t of(ErrorKind kind) const { return counts_[static_cast<std::size_t>(kind)]; }
  int first_code_of(ErrorKind kind) const { return codes_[static_cast<std::size_t>(kind)]; }
  std::uint64_t total() const { return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0}); }

 private:
  std::array<std::uint64_t, kErrorKinds> counts_{};
  std::array<int, kErrorKinds> codes_{};
};

}  // namespace httpdyno::loadgen
