// Errors, counted by their causes: what went wrong, how far the answer had come, and the reason in detail. One
// row of errors.def gives a kind's enumerator, text and JSON key.
//
// A request that was sent is counted in exactly one place: answered well, answered badly (status, length,
// body), lost (read, write, timeout, parse, closed) or given up at the end of a run. A lost connection with k
// requests outstanding is k errors. connect and unsolicited count events that belong to no request.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace httpdyno::loadgen {

enum class ErrorKind : std::uint8_t {
#define LOADGEN_ERROR(name, fate, text) name,
#include "loadgen/figures/errors.def"
#undef LOADGEN_ERROR
};

enum class ErrorFate : std::uint8_t {
  none,      // there was no request
  answered,  // in full, but badly
  lost,
};

struct ErrorRow {
  ErrorKind kind;
  std::string_view key;
  ErrorFate fate;
  std::string_view text;
};

inline constexpr std::array kErrorRows = {
#define LOADGEN_ERROR(name, fate, text) ErrorRow{ErrorKind::name, #name, ErrorFate::fate, text},
#include "loadgen/figures/errors.def"
#undef LOADGEN_ERROR
};
constexpr const ErrorRow& row_of(ErrorKind kind) { return kErrorRows[static_cast<std::size_t>(kind)]; }

// How far the answer to the request had come.
enum class AnswerProgress : std::uint8_t { no_request, before_first_byte, mid_response, whole };
std::string_view key_of(AnswerProgress progress);

struct ErrorCause {
  ErrorKind kind;
  AnswerProgress progress = AnswerProgress::no_request;
  // connect, read, write: the errno value; status: the status; parse: the http::ResponseError; length: kShorter
  // or kLonger. 0: nothing more is known.
  int detail = 0;

  bool operator==(const ErrorCause&) const = default;
};
inline constexpr int kShorter = 1;
inline constexpr int kLonger = 2;

// "Connection reset by peer", "503", "has a malformed chunk", "shorter", or nothing.
std::string detail_text(const ErrorCause& cause);
// The same for a machine: an errno value has its name, as "ECONNRESET".
std::string detail_key(const ErrorCause& cause);

// Empty, and free of memory, as long as nothing goes wrong.
class ErrorCounts {
 public:
  struct Count {
    ErrorCause cause;
    std::uint64_t count;
  };

  // Beyond kErrorCausesMax (limits.h) the detail is dropped.
  void add(ErrorCause cause, std::uint64_t count = 1);
  void merge(const ErrorCounts& other) {
    for (const Count& one : other.counts_) add(one.cause, one.count);
  }

  std::uint64_t of(ErrorKind kind) const;
  std::uint64_t of(ErrorFate fate) const;
  std::uint64_t of(const ErrorCause& cause) const;
  std::uint64_t total() const;
  // In the order in which they came up.
  std::span<const Count> causes() const { return counts_; }

 private:
  std::vector<Count> counts_;
};

}  // namespace httpdyno::loadgen
