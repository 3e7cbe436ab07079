#include "variants/floor/answers.h"

#include <fmt/format.h>

#include "net/base/assert.h"
#include "net/base/time.h"
#include "net/http/date.h"
#include "net/http/request.h"
#include "net/http/response_writer.h"
#include "server/router.h"
#include "variants/workloads.h"

namespace httpdyno::variants {

std::string prepared_answer(const std::string& name, std::size_t body_bytes, bool keep_alive,
                            const io::Address& bound) {
  std::string octets = name == "echo"
                           ? fmt::format("POST /echo HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n{}",
                                         bound.text(), body_bytes, std::string(body_bytes, 'x'))
                           : fmt::format("GET /{} HTTP/1.1\r\nHost: {}\r\n\r\n", name, bound.text());
  http::RequestParser parser{http::ParseLimits()};
  ASSERT(parser.parse({octets.data(), octets.size()}) == http::RequestParser::Result::complete);
  http::Response response;
  Workloads workloads;
  make_router(workloads)(http::Request(parser, octets.data()), response);

  http::DateCache date;
  date.refresh(read_wall_seconds());
  std::string answer(http::head_bytes_max(response) + http::DateCache::kHeadEndBytesMax, '\0');
  char* end = date.write_head_end(keep_alive, http::write_head(response, 1, answer.data()));
  answer.resize(static_cast<std::size_t>(end - answer.data()));
  answer.append(response.body());
  return answer;
}

}  // namespace httpdyno::variants
