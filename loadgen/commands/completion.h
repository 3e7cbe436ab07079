// Completion of the command line by the shell, made from the options themselves.
#pragma once

#include <span>
#include <string>

namespace CLI {
class App;
}

namespace httpdyno::loadgen {

// A script for bash (`source <(loadgen --completion bash)`). The first app is the program without a subcommand;
// the others' names are "loadgen NAME". An option completes to the members of its set ({a,b} in its type), to
// files when its type is FILE or PATH, else to nothing; hidden options are left out.
std::string bash_completion(std::span<const CLI::App* const> apps);

}  // namespace httpdyno::loadgen
