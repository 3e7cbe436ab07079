#include "loadgen/commands/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <vector>

namespace httpdyno::loadgen {

namespace {

std::vector<std::string> flags_of(const CLI::Option& option) {
  std::vector<std::string> flags;
  for (const std::string& name : option.get_snames()) flags.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) flags.push_back("--" + name);
  return flags;
}

// What bash runs for the value of an option: CLI11 writes a set's members into the type, as TEXT:{a,b}.
std::string values_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  if (type.starts_with("FILE") || type.starts_with("PATH")) return "_loadgen_files";
  const std::size_t open = type.find('{');
  const std::size_t close = type.find('}');
  if (open == std::string::npos || close == std::string::npos) return ":";
  std::string words = type.substr(open + 1, close - open - 1);
  std::ranges::replace(words, ',', ' ');
  return fmt::format("_loadgen_words '{}'", words);
}

// One arm of the case by subcommand: the values of the option before, else the options or, outside of them,
// files (positionals of `merge`).
std::string arm(const std::string& pattern, const CLI::App& app) {
  std::string values;
  std::vector<std::string> all;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty() || !option->nonpositional()) continue;
    const std::vector<std::string> flags = flags_of(*option);
    all.insert(all.end(), flags.begin(), flags.end());
    if (option->get_items_expected_max() == 0) continue;
    values += fmt::format("        {}) {} ;;\n", fmt::join(flags, "|"), values_of(*option));
  }
  const bool takes_files = std::ranges::any_of(app.get_options(), [](const CLI::Option* option) {
    return option->get_positional() && option->get_type_name().starts_with("FILE");
  });
  values += fmt::format("        *) _loadgen_words '{}'{} ;;\n", fmt::join(all, " "),
                        takes_files ? "; [[ $cur == -* ]] || _loadgen_files" : "");
  return fmt::format("    {})\n      case $before in\n{}      esac ;;\n", pattern, values);
}

}  // namespace

std::string bash_completion(std::span<const CLI::App* const> apps) {
  std::vector<std::string> subcommands;
  std::string arms;
  for (const CLI::App* app : apps.subspan(1)) {
    subcommands.push_back(app->get_name().substr(app->get_name().rfind(' ') + 1));
    arms += arm(subcommands.back(), *app);
  }
  return fmt::format(R"(# Completion of loadgen for bash: source <(loadgen --completion bash)
_loadgen_words() {{ COMPREPLY+=($(compgen -W "$1" -- "$cur")); }}
_loadgen_files() {{
  local IFS=$'\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY+=($(compgen -f -- "$cur"))
}}
_loadgen() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command=
  COMPREPLY=()
  if ((COMP_CWORD > 1)); then command=${{COMP_WORDS[1]}}; else _loadgen_words '{}'; fi
  case $command in
{}{}  esac
}}
complete -F _loadgen loadgen
)",
                     fmt::join(subcommands, " "), arms, arm("*", *apps.front()));
}

}  // namespace httpdyno::loadgen
