#include "variants/options.h"

#include <CLI/CLI.hpp>
#include <array>

#include "variants/flags.h"
#include "variants/process.h"

namespace httpdyno::variants {

bool parse_options(const Row& row, int argc, char** argv, Options& options, int& code) {
  Config& config = options.config;
  CLI::App app(std::string(row.name) + ": an HTTP/1.1 server of httpdyno (" + std::string(row.io) + ", " +
               std::string(row.dispatch) + " handlers, " + std::string(row.allocator) + " allocator)");
  bool identity = false;
  app.add_flag("--identity", identity, "print who this program is, as one line of JSON, and end");
  add_number(app, "--port", config.port, "TCP port; 0 lets the kernel choose, and the ready line tells",
             "PORT");
  app.add_option("--bind", config.bind, "numeric IPv4 or IPv6 address")
      ->type_name("ADDRESS")
      ->capture_default_str();
  add_number(app, "--backlog", config.backlog, "connections that may wait to be accepted", "COUNT");
  add_number(app, "--max-conn", config.max_conn, "connections at a time; further ones wait", "COUNT");
  add_number(app, "--read-buf-cap", config.read_buf_cap, "what a request may have, head and body together",
             "BYTES");
  const struct {
    const char* flag;
    milliseconds& value;
    const char* help;
  } timeouts[] = {
      {"--timeout-request-ms", config.timeout_request,
       "for a request to arrive, from its first byte to its last"},
      {"--timeout-keepalive-ms", config.timeout_keepalive, "idle between two requests"},
      {"--timeout-write-ms", config.timeout_write, "without the client reading a byte of its answer"},
      {"--timeout-linger-ms", config.timeout_linger, "for a client to read the last answer and close"},
      {"--timeout-drain-ms", config.timeout_drain, "from the signal to stop until what is still open is cut"},
  };
  std::array<std::int64_t, std::size(timeouts)> counts{};
  for (std::size_t i = 0; i < std::size(timeouts); ++i) {
    counts[i] = timeouts[i].value.count();
    add_number(app, timeouts[i].flag, counts[i], timeouts[i].help, "MS");
  }
  add_number(app, "--request-count", config.request_count, "requests that a connection is served; 0: no cap",
             "COUNT");
  add_number(app, "--thread-pool-count", config.thread_pool_count,
             row.pooled() ? "threads that run the handlers"
                          : "threads that run the handlers; this program has none: 0",
             "THREADS");
  add_number(app, "--thread-pool-backlog", config.thread_pool_backlog,
             "requests that may wait for a worker; one more is answered 503", "COUNT");
  add_number(app, "--output-bytes-max", config.output_bytes_max,
             "unsent answers of a connection, above which its next request waits", "BYTES");
  add_number(app, "--buffer-retain-bytes-max", config.buffer_retain_bytes_max,
             "idle buffers that are kept for reuse, all together", "BYTES");
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
  for (std::size_t i = 0; i < std::size(timeouts); ++i) timeouts[i].value = milliseconds(counts[i]);
  if (identity) {
    print_line(identity_json(row));
    code = 0;
    return false;
  }
  return true;
}

}  // namespace httpdyno::variants
