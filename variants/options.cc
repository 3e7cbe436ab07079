#include "variants/options.h"

#include <CLI/CLI.hpp>

#include "variants/process.h"

namespace httpdyno::variants {

namespace {

CLI::Option* add_milliseconds(CLI::App& app, const std::string& flag, milliseconds& value,
                              const std::string& help) {
  return app
      .add_option_function<std::int64_t>(
          flag, [&value](const std::int64_t& count) { value = milliseconds(count); }, help)
      ->type_name("MS")
      ->default_str(std::to_string(value.count()));
}

}  // namespace

bool parse_options(const Row& row, int argc, char** argv, Options& options, int& code) {
  Config& config = options.config;
  CLI::App app(std::string(row.name) + ": an HTTP/1.1 server of httpdyno (" + std::string(row.io) + ", " +
               std::string(row.dispatch) + " handlers, " + std::string(row.allocator) + " allocator)");
  bool identity = false;
  app.add_flag("--identity", identity, "print who this program is, as one line of JSON, and end");
  app.add_option("--port", config.port, "TCP port; 0 lets the kernel choose, and the ready line tells")
      ->capture_default_str();
  app.add_option("--bind", config.bind, "numeric IPv4 or IPv6 address")
      ->type_name("ADDRESS")
      ->capture_default_str();
  app.add_option("--backlog", config.backlog, "connections that may wait to be accepted")
      ->capture_default_str();
  app.add_option("--max-conn", config.max_conn, "connections at a time; further ones wait")
      ->capture_default_str();
  app.add_option("--read-buf-cap", config.read_buf_cap,
                 "bytes that a request may have, head and body together")
      ->type_name("BYTES")
      ->capture_default_str();
  add_milliseconds(app, "--timeout-request-ms", config.timeout_request,
                   "for a request to arrive, from its first byte to its last");
  add_milliseconds(app, "--timeout-keepalive-ms", config.timeout_keepalive, "idle between two requests");
  add_milliseconds(app, "--timeout-write-ms", config.timeout_write,
                   "without the client reading a byte of its answer");
  add_milliseconds(app, "--timeout-linger-ms", config.timeout_linger,
                   "for a client to read the last answer and close");
  add_milliseconds(app, "--timeout-drain-ms", config.timeout_drain,
                   "from the signal to stop until what is still open is cut");
  app.add_option("--request-count", config.request_count, "requests that a connection is served; 0: no cap")
      ->capture_default_str();
  app.add_option(
         "--thread-pool-count", config.thread_pool_count,
         row.pooled() ? "worker threads that run the handlers" : "worker threads; this program has none: 0")
      ->capture_default_str();
  app.add_option("--thread-pool-backlog", config.thread_pool_backlog,
                 "requests that may wait for a worker; one more is answered 503")
      ->capture_default_str();
  app.add_option("--output-bytes-max", config.output_bytes_max,
                 "unsent bytes of a connection above which its next request waits")
      ->type_name("BYTES")
      ->capture_default_str();
  app.add_option("--buffer-retain-bytes-max", config.buffer_retain_bytes_max,
                 "bytes of idle buffers that are kept for reuse")
      ->type_name("BYTES")
      ->capture_default_str();
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
