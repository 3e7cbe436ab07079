// Which allocator serves this process: found by asking, not by what the build meant to link.
#pragma once

#include <string>

namespace httpdyno::variants {

struct Allocator {
  std::string name;   // as in variants.json; "unknown" if the evidence does not agree; else the object's name
  std::string proof;  // the evidence, for people
};

// The object that malloc's code lies in, and the word of an allocator's own functions that it served a live
// block. Allocates and frees; call it from any thread.
Allocator probe_allocator();

}  // namespace httpdyno::variants
