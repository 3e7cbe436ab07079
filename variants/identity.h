// Who a program is: its row of variants.json, how it was built, and which allocator really serves it.
#pragma once

#include <string>
#include <string_view>

namespace httpdyno::variants {

// A row of variants.json, as CMake compiled it into the program.
struct Row {
  std::string_view name;
  std::string_view io;
  std::string_view dispatch;
  std::string_view allocator;
  int loops;
  std::string_view link_order;

  bool pooled() const { return dispatch == "pool"; }
};

// One line of JSON. The allocator in it is not the row's word: it is found by asking the live malloc where it
// comes from.
std::string identity_json(const Row& row);

}  // namespace httpdyno::variants
