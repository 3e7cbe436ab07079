#include "tests/conformance/parsed.h"

#include "tests/conformance/site.h"

namespace httpdyno::conformance {

namespace {

using http::RequestParser;
using Result = RequestParser::Result;

std::string words_of(const RequestParser& parser, const char* octets) {
  const Seen seen = look_at(http::Request(parser, octets));
  std::string words = seen.method + " " + seen.target + " (" + seen.path + ") " + seen.version;
  words += parser.keep_alive() ? " stays" : " closes";
  if (parser.expects_continue()) words += " expects";
  for (const std::string& field : seen.fields) words += " [" + field + "]";
  return words + " body " + seen.body + "\n";
}

}  // namespace

std::string parse_all(Guarded& memory, const std::string& octets, const std::vector<std::size_t>& cuts,
                      Place place, Code code, Keep keep) {
  RequestParser parser{http::ParseLimits()};
  std::string words;
  std::string here;  // from the first octet of the request that is being read
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t end = i < cuts.size() ? cuts[i] : octets.size();
    here.append(octets, begin, end - begin);
    begin = end;
    while (!here.empty()) {
      const std::span<char> bytes = place == Place::front ? memory.at_front(here) : memory.at_back(here);
      const Result result = code == Code::vector ? parser.parse(bytes) : parser.parse_scalar(bytes);
      std::size_t kept = bytes.size();
      if (result == Result::refused) return words + std::string(http::parse_error_row(parser.error()).name);
      if (result == Result::need_more && keep == Keep::compacted) kept = parser.compact(bytes);
      here.assign(bytes.data(), kept);
      if (result == Result::need_more) break;
      words += words_of(parser, here.data());
      here.erase(0, parser.request_bytes());
      parser.reset();
    }
  }
  return words + (parser.started() ? "unfinished" : "nothing more");
}

}  // namespace httpdyno::conformance
