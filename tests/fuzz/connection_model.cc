#include "tests/fuzz/connection_model.h"

#include <algorithm>
#include <stdexcept>

#include "net/base/assert.h"
#include "net/http/response_parser.h"
#include "net/http/response_writer.h"
#include "server/handler.h"

namespace httpdyno::fuzz {

namespace {

constexpr std::size_t kStreamBytes = 3000;

// Pieces of different sizes; one that breaks does so in the middle.
http::BodyProducer make_producer(bool breaks) {
  return [breaks, made = std::size_t{0}](std::span<char> room) mutable {
    if (breaks && made > kStreamBytes / 2) throw std::runtime_error("planned");
    const std::size_t count = std::min({room.size(), kStreamBytes - made, made / 2 + 1});
    for (char& c : room.first(count)) c = static_cast<char>('a' + made++ % 26);
    return count;
  };
}

// The whole content of a stream, and whether it broke off.
void pull_all(http::BodyStream& stream, Answer& answer) {
  ByteBuffer content;
  auto result = http::BodyStream::Result::more;
  while (result == http::BodyStream::Result::more) result = stream.pull(content, kStreamBytes);
  answer.body = content.view();
  answer.broken = result == http::BodyStream::Result::failed;
}

}  // namespace

void App::operator()(const http::Request& request, http::Response& response) const {
  const std::string_view path = request.path();
  if (path == "/throw") throw std::runtime_error("planned");
  if (path == "/close") response.close_connection();
  if (path == "/none") return response.set_status(204);
  if (path == "/big") return response.set_body(std::string(3000, 'b'));
  if (path == "/stream") return response.stream_body(make_producer(false));
  if (path == "/stream-length") return response.stream_body(kStreamBytes, make_producer(false));
  if (path == "/stream-breaks") return response.stream_body(make_producer(true));
  if (!request.body().empty()) return response.set_body(std::string(request.body()));
  response.set_body(std::string(request.path_and_query()));
}

std::vector<Answer> expected_answers(std::string_view sent, const Config& config) {
  std::vector<Answer> answers;
  std::string octets(sent);  // a chunked body is decoded in place
  std::span<char> rest(octets);
  http::RequestParser parser(config.parse_limits());
  http::Response response;
  App app;
  while (!rest.empty()) {
    const auto result = parser.parse(rest);
    if (result == http::RequestParser::Result::need_more) break;
    Answer& answer = answers.emplace_back();
    answer.to_head = parser.is_head();
    if (result == http::RequestParser::Result::refused) {
      answer.status = http::parse_error_row(parser.error()).status;
      answer.keep_alive = false;
      answer.refusal = true;
      break;
    }
    response.reset();
    run_handler(app, http::Request(parser, rest.data()), response);
    answer.status = response.status();
    answer.body = http::content_of(response, parser.is_head());
    if (response.body_stream() != nullptr && !parser.is_head())
      pull_all(*response.take_body_stream(), answer);
    answer.keep_alive = parser.keep_alive() && !response.closes_connection(parser.minor_version()) &&
                        (config.request_count == 0 || answers.size() < config.request_count);
    if (!answer.keep_alive || answer.broken) break;
    rest = rest.subspan(parser.request_bytes());
    parser.reset();
  }
  return answers;
}

namespace {

// As far as it is there.
bool may_begin(std::string_view written, std::string_view line) {
  return written.substr(0, line.size()) == line.substr(0, written.size());
}

}  // namespace

std::vector<Answer> parse_answers(std::string_view written, const std::vector<Answer>& expected,
                                  bool may_be_cut) {
  std::vector<Answer> answers;
  http::ResponseParser parser;
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  while (!written.empty()) {
    // Before the answer, which may never come: the client need not send what it announced.
    if (may_begin(written, kContinue)) {
      ASSERT((may_be_cut || written.size() >= kContinue.size()) && "no interim answer is cut off");
      written.remove_prefix(std::min(written.size(), kContinue.size()));
      continue;
    }
    // The core's own last words come at any place: 408 has no request that could have been a HEAD's.
    const bool last_words = may_begin(written, "HTTP/1.1 408 ") || may_begin(written, "HTTP/1.1 503 ") ||
                            may_begin(written, "HTTP/1.1 504 ");
    ASSERT((last_words || answers.size() < expected.size()) && "no answer without a request");
    Answer answer;
    bool has_head = false;
    answer.to_head = !last_words && expected[answers.size()].to_head;
    parser.start(answer.to_head);
    for (;;) {
      const http::ResponseStep step = parser.next(written);
      ASSERT(step.event != http::ResponseEvent::error && "every answer is well-formed");
      has_head = has_head || step.event == http::ResponseEvent::head;
      answer.body.append(step.body);
      written.remove_prefix(step.consumed);
      if (step.event == http::ResponseEvent::complete) break;
      if (step.event != http::ResponseEvent::more) continue;
      // Last words to a HEAD: no content follows.
      if (last_words && has_head && answer.body.empty()) break;
      const bool broken = answers.size() < expected.size() && expected[answers.size()].broken;
      // To HTTP/1.0 a stream lasts until the connection ends, and one that breaks off looks whole.
      if (has_head && !broken && parser.end().event == http::ResponseEvent::complete) break;
      ASSERT((may_be_cut || broken) && "no answer is cut off");
      return answers;
    }
    answer.status = parser.head().status;
    answer.keep_alive = parser.head().keep_alive;
    answers.push_back(answer);
  }
  return answers;
}

}  // namespace httpdyno::fuzz
