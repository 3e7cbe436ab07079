#include "loadgen/figures/errors.h"

#include <cstring>
#include <system_error>

#include "loadgen/base/limits.h"
#include "net/http/response_parser.h"

namespace httpdyno::loadgen {

namespace {

template <class Wanted>
std::uint64_t sum(std::span<const ErrorCounts::Count> counts, Wanted wanted) {
  std::uint64_t total = 0;
  for (const ErrorCounts::Count& one : counts) total += wanted(one.cause) ? one.count : 0;
  return total;
}

}  // namespace

std::string_view key_of(AnswerProgress progress) {
  switch (progress) {
    case AnswerProgress::no_request: return "no_request";
    case AnswerProgress::before_first_byte: return "before_first_byte";
    case AnswerProgress::mid_response: return "mid_response";
    case AnswerProgress::whole: return "whole";
  }
  return "";
}

std::string detail_text(const ErrorCause& cause) {
  if (cause.detail == 0) return {};
  switch (cause.kind) {
    case ErrorKind::connect:
    case ErrorKind::read:
    case ErrorKind::write: return std::generic_category().message(cause.detail);
    case ErrorKind::parse:
      return std::string(http::response_error_text(static_cast<http::ResponseError>(cause.detail)));
    case ErrorKind::status: return std::to_string(cause.detail);
    case ErrorKind::length: return cause.detail == kShorter ? "shorter" : "longer";
    case ErrorKind::timeout:
    case ErrorKind::body:
    case ErrorKind::unsolicited:
    case ErrorKind::closed: break;
  }
  return {};
}

std::string detail_key(const ErrorCause& cause) {
  const bool has_errno =
      cause.kind == ErrorKind::connect || cause.kind == ErrorKind::read || cause.kind == ErrorKind::write;
  const char* name = has_errno && cause.detail != 0 ? ::strerrorname_np(cause.detail) : nullptr;
  return name != nullptr ? name : detail_text(cause);
}

void ErrorCounts::add(ErrorCause cause, std::uint64_t count) {
  if (count == 0) return;
  const auto add_to = [&] {
    for (Count& one : counts_) {
      if (one.cause == cause) {
        one.count += count;
        return true;
      }
    }
    return false;
  };
  if (add_to()) return;
  if (counts_.size() >= kErrorCausesMax) {
    cause.detail = 0;
    if (add_to()) return;
  }
  counts_.push_back({cause, count});
}

std::uint64_t ErrorCounts::of(ErrorKind kind) const {
  return sum(counts_, [=](const ErrorCause& other) { return other.kind == kind; });
}

std::uint64_t ErrorCounts::of(ErrorFate fate) const {
  return sum(counts_, [=](const ErrorCause& other) { return row_of(other.kind).fate == fate; });
}

std::uint64_t ErrorCounts::of(const ErrorCause& cause) const {
  return sum(counts_, [&](const ErrorCause& other) { return other == cause; });
}

std::uint64_t ErrorCounts::total() const {
  return sum(counts_, [](const ErrorCause&) { return true; });
}

}  // namespace httpdyno::loadgen
