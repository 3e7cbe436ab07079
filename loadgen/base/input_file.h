// A file that the command line names, read whole before anything is sent.
#pragma once

#include <cstddef>
#include <string>

#include "loadgen/base/failure.h"

namespace httpdyno::loadgen {

// A usage failure, which names `flag` and the file, when it cannot be read or is larger than `bytes_max`.
Failure read_input_file(const char* flag, const std::string& path, std::size_t bytes_max, std::string& out);

}  // namespace httpdyno::loadgen
