// The arguments of a plant, `:A,B,C`, taken one after the other. What cannot be taken is thrown as a BadPlant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/base/time.h"

namespace httpdyno::variants {

struct BadPlant {
  std::string why;
};

class PlantArguments {
 public:
  // `text` is what follows the name: empty, or from its colon on.
  explicit PlantArguments(std::string_view text);

  bool next_is_share() const;
  // Each without a default must be there.
  std::uint64_t number(std::string_view what, std::uint64_t low, std::uint64_t high,
                       std::optional<std::uint64_t> otherwise = {});
  // "0.5%" is 0.005.
  double share(double most);
  // A share of at most 1 as one in so many.
  std::uint64_t period(std::optional<std::uint64_t> otherwise = {});
  // "200us", "5ms", "1s"; up to 10 s.
  Duration duration();
  // Nothing is left.
  void expect_end() const;

 private:
  std::optional<std::string_view> take();
  std::string_view need(std::string_view what);

  std::optional<std::string_view> rest_;  // none: everything is taken
};

}  // namespace httpdyno::variants
