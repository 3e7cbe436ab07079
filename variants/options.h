// The command line of a server program.
#pragma once

#include "server/config.h"
#include "variants/identity.h"

namespace httpdyno::variants {

inline constexpr std::uint32_t kDefaultWorkers = 4;  // of a pool-* program

struct Options {
  Config config;
};

// False when the program should end with `code`: after --help or --identity (0), or a bad flag (2, one line
// on stderr). The defaults are those that `options` holds.
bool parse_options(const Row& row, int argc, char** argv, Options& options, int& code);

}  // namespace httpdyno::variants
