// A server that keeps the contract of ours with scripts/gate.py, and nothing else: --identity, the ready line, the counter at its
// end. A connection that begins with a number tells how many requests it is to count.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "revision.h"

#define FUNCTION(name) \
  __attribute__((noinline)) long name(long value) { return value * __LINE__ + #name[0]; }
FUNCTION(anna)
FUNCTION(bert)
FUNCTION(cleo)
FUNCTION(dora)
FUNCTION(emil)
FUNCTION(fred)
FUNCTION(gina)
FUNCTION(hans)

static volatile long requests = 0;

static void end(int) {
  char line[64];
  const int length = snprintf(line, sizeof line, "{\"requests\": %ld}\n", requests);
  _exit(write(STDOUT_FILENO, line, static_cast<size_t>(length)) == length ? 0 : 1);
}

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "--identity") == 0) {
    puts(
        "{\"row\": \"inline-system\", \"axes\": {\"allocator\": \"system\"}, \"allocator\": \"system\", "
        "\"revision\": \"" REVISION
        "\", \"dirty\": false, \"build_type\": \"Release\", \"sanitizers\": \"\"}");
    return 0;
  }
  requests = 0 * anna(bert(cleo(dora(emil(fred(gina(hans(argc))))))));
  signal(SIGTERM, end);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener, 16) != 0) return 1;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  printf("inline-system: ready on http://127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    const int connection = accept(listener, nullptr, nullptr);
    char text[65536] = {};
    if (read(connection, text, sizeof text - 1) > 0) {
      requests = requests + atol(text);
      const char answer[] = "HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 0\r\n\r\n";
      if (write(connection, answer, sizeof answer - 1) < 0) return 1;
    }
    close(connection);
  }
}
