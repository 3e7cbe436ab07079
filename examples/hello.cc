// A server that greets. Build it with: c++ -O2 hello.cc $(pkg-config --cflags --libs httpdyno) -o hello
#include <httpdyno/httpdyno.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  httpdyno::Config config;
  if (argc > 1) config.port = static_cast<std::uint16_t>(std::atoi(argv[1]));  // 0: the kernel chooses one
  httpdyno::Server server(config,
                          [](const httpdyno::http::Request& request, httpdyno::http::Response& response) {
                            response.set_body("Hello, " + std::string(request.path().substr(1)) + "!\n");
                          });
  if (const httpdyno::Error error = server.listen()) {
    std::fprintf(stderr, "%s\n", error.message().c_str());
    return 1;
  }
  static auto* running = &server;
  std::signal(SIGTERM, [](int) { running->stop(); });
  std::printf("http://%s/world\n", server.address().text().c_str());
  std::fflush(stdout);
  return server.run() ? 1 : 0;
}
