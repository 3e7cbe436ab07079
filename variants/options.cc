#include "variants/options.h"

#include <CLI/CLI.hpp>

#include "variants/flags.h"
#include "variants/process.h"

namespace httpdyno::variants {

bool parse_options(const Row& row, int argc, char** argv, Options& options, int& code) {
  Config& config = options.config;
  CLI::App app(std::string(row.name) + ": an HTTP/1.1 server of httpdyno (" + std::string(row.io) + ", " +
               std::string(row.dispatch) + " handlers, " + std::string(row.allocator) + " allocator)");
  bool identity = false;
  app.add_flag("--identity", identity, "print who this program is, as one line of JSON, and end");
  app.add_option("--bind", config.bind, "numeric IPv4 or IPv6 address, or unix:PATH")
      ->type_name("ADDRESS")
      ->capture_default_str();
#define KNOB(name, type, initial, low, high, unit, help) add_knob(app, #name, config.name, unit, help);
#include "server/knobs.def"
#undef KNOB
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    print_line(app.help());
    code = 0;
    return false;
  } catch (const CLI::ParseError& error) {
    code = fail_start(row, std::string(error.what()) + " (--help lists the flags)");
    return false;
  }
  if (identity) {
    print_line(identity_json(row));
    code = 0;
    return false;
  }
  return true;
}

}  // namespace httpdyno::variants
