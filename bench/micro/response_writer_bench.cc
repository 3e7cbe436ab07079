// The response writer: a whole small answer, as the loop writes it.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>

#include "net/http/date.h"
#include "net/http/response_writer.h"

namespace httpdyno::micro {
namespace {

void write_response(benchmark::State& state) {
  http::Response response;
  http::DateCache date;
  date.refresh(784111777);
  char out[1024];
  const std::string expected =
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\n"
      "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: keep-alive\r\n\r\nHello, World!";
  for (auto _ : state) {
    response.reset();
    response.set_body("Hello, World!");
    char* at = date.write_head_end(true, http::write_head(response, 1, out));
    const std::string_view content = http::content_of(response, false);
    std::memcpy(at, content.data(), content.size());
    benchmark::DoNotOptimize(at);
    benchmark::ClobberMemory();
    if (std::string_view(out, static_cast<std::size_t>(at - out) + content.size()) != expected) {
      return state.SkipWithError("the answer is not the expected one");
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(expected.size()));
}
BENCHMARK(write_response);

}  // namespace
}  // namespace httpdyno::micro
