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

  ByteBuffer answer;
  http::DateCache date;
  date.refresh(read_wall_seconds());
  http::write_head(response, answer);
  answer.append(date.head_end(keep_alive));
  answer.append(response.body());
  return std::string(answer.view());
}

}  // namespace httpdyno::variants
