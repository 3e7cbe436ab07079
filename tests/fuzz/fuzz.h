// What the fuzz targets share: the entry that libFuzzer or replay.cc calls, and the pieces that an input comes in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "net/base/prng.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace httpdyno::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Seeded by the input (FNV-1a), so that an input repeats all that is drawn for it.
inline Prng prng_of(std::string_view input) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (char c : input) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return Prng(hash);
}

// Octets in an allocation of exactly their size: the sanitizer sees a read of what is in front or behind.
class Exact {
 public:
  Exact() = default;
  explicit Exact(std::string_view octets)
      : octets_(std::make_unique_for_overwrite<char[]>(octets.size())), size_(octets.size()) {
    if (size_ > 0) std::memcpy(octets_.get(), octets.data(), size_);
  }
  std::span<char> span() { return {octets_.get(), size_}; }
  std::string_view view() const { return {octets_.get(), size_}; }

 private:
  std::unique_ptr<char[]> octets_;
  std::size_t size_ = 0;
};

// How an input of `size` octets is cut: the sizes of its pieces, in order.
using Pieces = std::vector<std::size_t>;

inline Pieces whole(std::size_t size) { return {size}; }
inline Pieces octet_by_octet(std::size_t size) { return Pieces(size, 1); }
// Short pieces and long ones, so that both the middle of a token and several lines at once are seen.
inline Pieces random_pieces(std::size_t size, Prng& prng) {
  Pieces pieces;
  while (size > 0) {
    const std::size_t most = prng.coin() ? 4 : size;
    const std::size_t piece = 1 + static_cast<std::size_t>(prng.below(most < size ? most : size));
    pieces.push_back(piece);
    size -= piece;
  }
  return pieces;
}

}  // namespace httpdyno::fuzz
