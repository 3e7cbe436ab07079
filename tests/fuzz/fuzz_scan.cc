// Every scanner against a plain loop, at every alignment, with pages that must not be touched on both sides.
#include <algorithm>
#include <cstdio>
#include <vector>

#include "net/base/assert.h"
#include "net/http/scan.h"
#include "tests/fuzz/fuzz.h"
#include "tests/guarded.h"

namespace httpdyno::fuzz {
namespace {

using http::Scanner;

// RFC 9110 5.5, RFC 3986 and RFC 9110 5.6.2, each written without the tables of chars.h.
bool in_field(unsigned char c) { return c == '\t' || (c >= ' ' && c != 0x7f); }
bool in_target(unsigned char c) {
  return c > ' ' && c < 0x7f &&
         std::string_view("\"#<>\\^`{|}").find(static_cast<char>(c)) == std::string_view::npos;
}
bool in_token(unsigned char c) {
  return c > ' ' && c < 0x7f &&
         std::string_view("\"(),/:;<=>?@[\\]{}").find(static_cast<char>(c)) == std::string_view::npos;
}

struct Subject {
  std::string_view name;
  Scanner scan;
  bool (*allowed)(unsigned char);
};

// All that this machine can run.
std::vector<Subject> subjects() {
  std::vector<Subject> all = {{"find_field_end", http::find_field_end, in_field},
                              {"find_target_end", http::find_target_end, in_target},
                              {"find_end_of<kTokenChar>", http::find_end_of<http::kTokenChar>, in_token}};
  for (const http::NamedScanner& scanner : http::field_scanners())
    all.push_back({scanner.name, scanner.scan, in_field});
  return all;
}

void check(const Subject& subject, const char* begin, const char* end) {
  const char* expected = begin;
  while (expected != end && subject.allowed(static_cast<unsigned char>(*expected))) ++expected;
  const char* found = subject.scan(begin, end);
  if (found == expected) return;
  std::fprintf(stderr, "%.*s found %td of %td octets, a plain loop %td\n",
               static_cast<int>(subject.name.size()), subject.name.data(), found - begin, end - begin,
               expected - begin);
  ASSERT(found == expected);
}

}  // namespace
}  // namespace httpdyno::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace httpdyno::fuzz;
  static const std::vector<Subject> all = subjects();
  constexpr std::size_t kOctetsMax = 512;
  static httpdyno::Guarded memory(kOctetsMax);
  constexpr std::size_t kShifts = 64;  // two of the widest vectors
  const std::string_view octets = text_of(data, std::min(size, kOctetsMax));
  const std::size_t shifts = std::min(octets.size() + 1, kShifts);
  const char* const back = memory.at_back(octets).data();
  for (const Subject& subject : all) {
    for (std::size_t shift = 0; shift < shifts; ++shift) check(subject, back + shift, back + octets.size());
  }
  const char* const front = memory.at_front(octets).data();
  for (const Subject& subject : all) {
    for (std::size_t shift = 0; shift < shifts; ++shift) check(subject, front, front + octets.size() - shift);
  }
  return 0;
}
