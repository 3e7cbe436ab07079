#include "net/http/request_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "net/http/request.h"

namespace httpdyno::http {
namespace {

using Result = RequestParser::Result;

// What a parse came to, in words that can be compared.
std::string outcome(RequestParser& parser, Result result, const std::string& octets) {
  if (result == Result::need_more) return "need more";
  if (result == Result::refused) return std::string(parse_error_row(parser.error()).name);
  const Request request(parser, octets.data());
  std::string text = std::string(method_name(request.method())) + " " + std::string(request.target()) +
                     " 1." + std::to_string(request.minor_version()) +
                     (parser.keep_alive() ? " keep" : " close");
  request.each_field([&](std::string_view name, std::string_view value) {
    text.append(" [").append(name).append("=").append(value).append("]");
  });
  return text + " body=" + std::string(request.body()) + " bytes=" + std::to_string(parser.request_bytes());
}

// Feeds `input` in pieces; a fresh, exactly sized copy for each call, so that ASan sees a read past the end
// and offsets prove that they survive a move.
std::string parse_in_pieces(const std::string& input, const std::vector<std::size_t>& ends,
                            const ParseLimits& limits) {
  RequestParser parser(limits);
  std::vector<char> octets;
  Result result = Result::need_more;
  for (std::size_t end : ends) {
    std::vector<char> grown(octets.begin(), octets.end());
    grown.reserve(0);
    for (std::size_t i = octets.size(); i < end; ++i) grown.push_back(input[i]);
    grown.shrink_to_fit();
    octets.swap(grown);
    result = parser.parse({octets.data(), octets.size()});
    if (result != Result::need_more) break;
  }
  return outcome(parser, result, std::string(octets.begin(), octets.end()));
}

std::string parse(const std::string& input, const ParseLimits& limits = {}) {
  const std::string whole = parse_in_pieces(input, {input.size()}, limits);
  // Complete requests report how many octets are theirs; pieces that end there cannot know what follows, so
  // compare without that.
  for (std::size_t at = 1; at < input.size(); ++at) {
    EXPECT_EQ(parse_in_pieces(input, {at, input.size()}, limits), whole)
        << "split at " << at << " of " << input;
  }
  std::vector<std::size_t> each;
  for (std::size_t at = 1; at <= input.size(); ++at) each.push_back(at);
  EXPECT_EQ(parse_in_pieces(input, each, limits), whole) << "octet by octet: " << input;
  return whole;
}

constexpr const char* kHost = "Host: a\r\n";

std::string get(const std::string& fields) {
  return "GET / HTTP/1.1\r\n" + std::string(kHost) + fields + "\r\n";
}

TEST(RequestParser, ReadsAPlainRequest) {
  EXPECT_EQ(parse("GET /a?b=c HTTP/1.1\r\nHost: x:80\r\nX-Empty:\r\nX-Blank: \t v w \t\r\n\r\n"),
            "GET /a?b=c 1.1 keep [Host=x:80] [X-Empty=] [X-Blank=v w] body= bytes=63");
}

TEST(RequestParser, LeavesTheNextRequestAlone) {
  RequestParser parser{ParseLimits()};
  std::string two = get("") + "POST /x HTTP/1.0\r\n\r\n";
  ASSERT_EQ(parser.parse({two.data(), two.size()}), Result::complete);
  EXPECT_EQ(parser.request_bytes(), get("").size());
  const std::size_t first = parser.request_bytes();
  parser.reset();
  ASSERT_EQ(parser.parse({two.data() + first, two.size() - first}), Result::complete);
  EXPECT_EQ(parser.method(), Method::post);
  EXPECT_EQ(parser.minor_version(), 0);
  EXPECT_FALSE(parser.keep_alive());
}

// The answer to a refused request had no content because the request before it was a HEAD.
TEST(RequestParser, AnUnknownMethodIsNotTheOneBefore) {
  RequestParser parser{ParseLimits()};
  std::string head = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
  ASSERT_EQ(parser.parse({head.data(), head.size()}), Result::complete);
  EXPECT_TRUE(parser.is_head());
  parser.reset();
  std::string brew = "BREW / HTTP/1.1\r\nHost: a\r\n\r\n";
  ASSERT_EQ(parser.parse({brew.data(), brew.size()}), Result::refused);
  EXPECT_FALSE(parser.is_head());
}

TEST(RequestParser, ReadsBodies) {
  EXPECT_EQ(parse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"),
            "POST / 1.1 keep [Host=a] [Content-Length=5] body=hello bytes=52");
  EXPECT_EQ(parse("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "5\r\nhello\r\n00A;a=b;c=\"d;\\\"e\" ; f\r\n, chunked!\r\n0\r\nX-Trailer: v\r\n\r\n"),
            "POST / 1.1 keep [Host=a] [Transfer-Encoding=chunked] body=hello, chunked! bytes=120");
  // A body belongs to its message whatever the method is (RFC 9112 6).
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
            "GET / 1.1 keep [Host=a] [Content-Length=3] body=abc bytes=49");
}

TEST(RequestParser, CompactingAnUnfinishedChunkedBodyChangesNothing) {
  const std::string input =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;x=y\r\nabc\r\n4\r\ndefg\r\n1\r\nh\r\n0\r\nT: v\r\n\r\n";
  RequestParser parser{ParseLimits()};
  std::string octets;
  Result result = Result::need_more;
  std::size_t largest = 0;
  for (char c : input) {
    ASSERT_EQ(result, Result::need_more);
    octets.push_back(c);
    result = parser.parse({octets.data(), octets.size()});
    if (result == Result::need_more) octets.resize(parser.compact({octets.data(), octets.size()}));
    largest = std::max(largest, octets.size());
  }
  ASSERT_EQ(result, Result::complete);
  EXPECT_EQ(Request(parser, octets.data()).body(), "abcdefgh");
  EXPECT_EQ(parser.request_bytes(), octets.size());
  EXPECT_LT(largest, input.size());  // the framing of finished chunks was given back
}

TEST(RequestParser, ConnectionOptions) {
  EXPECT_EQ(parse(get("Connection: Close\r\n")),
            "GET / 1.1 close [Host=a] [Connection=Close] body= bytes=46");
  EXPECT_EQ(parse(get("Connection: te,\tclose\r\n")).substr(0, 15), "GET / 1.1 close");
  EXPECT_EQ(parse(get("Connection: te\r\nConnection: close\r\n")).substr(0, 15), "GET / 1.1 close");
  EXPECT_EQ(parse(get("Connection: ,, keep-alive,\r\n")).substr(0, 14), "GET / 1.1 keep");
  EXPECT_EQ(parse(get("Connection: closed\r\n")).substr(0, 14), "GET / 1.1 keep");
  EXPECT_EQ(parse(get("Connection: a b\r\n")), "connection_malformed");
  EXPECT_EQ(parse("GET / HTTP/1.0\r\n\r\n").substr(0, 15), "GET / 1.0 close");
  EXPECT_EQ(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").substr(0, 14), "GET / 1.0 keep");
  EXPECT_EQ(parse("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n").substr(0, 15),
            "GET / 1.0 close");
}

TEST(RequestParser, LaterMinorVersionsAreOne) {
  EXPECT_EQ(parse("GET / HTTP/1.9\r\nHost: a\r\n\r\n").substr(0, 9), "GET / 1.1");
}

TEST(RequestParser, EmptyLinesBeforeTheRequestLine) {
  EXPECT_EQ(parse("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").substr(0, 5), "GET /");
  EXPECT_EQ(parse("\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "blank_lines");
  EXPECT_EQ(parse("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "method_malformed");
}

// Input and the name of the refusal (parse_errors.def). The rule's number in http-rules is in the comment.
struct Refusal {
  const char* input;
  const char* error;
};

TEST(RequestParser, RefusesWhatIsMalformed) {
  const Refusal cases[] = {
      // 2, 3: line ends
      {"GET / HTTP/1.1\nHost: a\n\n", "line_end"},
      {"GET / HTTP/1.1\rHost: a\r\n\r\n", "line_end"},
      {"GET / HTTP/1.1\r\nHost: a\n\r\n", "line_end"},
      {"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", "line_end"},
      {"GET / HTTP/1.1\r\nHost: a\r\n\rx", "line_end"},
      // 5: white space before the first field
      {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", "field_folded"},
      // 6: garbage
      {"\x16\x03\x01\x02", "method_malformed"},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "version_unsupported"},
      // 7: controls in a value
      {"GET / HTTP/1.1\r\nHost: a\r\nX: a\x01z\r\n\r\n", "field_value"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: a\x7fz\r\n\r\n", "field_value"},
      // 10, 11, 12: methods
      {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "method_malformed"},
      {"G@T / HTTP/1.1\r\nHost: a\r\n\r\n", "method_malformed"},
      {"get / HTTP/1.1\r\nHost: a\r\n\r\n", "method_unknown"},
      {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "method_unknown"},
      {"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", "method_unknown"},
      {"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", "method_unknown"},
      {"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQ", "method_unknown"},
      // 13, 15, 16: targets
      {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "target_malformed"},
      {"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "method_malformed"},
      {"GET / x HTTP/1.1\r\nHost: a\r\n\r\n", "version_malformed"},
      {"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", "version_malformed"},
      {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "version_malformed"},
      {"GET HTTP/1.1\r\nHost: a\r\n\r\n", "target_malformed"},
      {"GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", "target_malformed"},
      {"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", "target_malformed"},
      {"GET /a\"b HTTP/1.1\r\nHost: a\r\n\r\n", "target_malformed"},
      {"GET a HTTP/1.1\r\nHost: a\r\n\r\n", "target_form"},
      // 17, 19: forms
      {"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "target_malformed"},
      {"GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n", "target_malformed"},
      {"GET http:// HTTP/1.1\r\nHost: a\r\n\r\n", "target_form"},
      {"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", "host_differs"},
      {"GET http://a/ HTTP/1.1\r\n\r\n", "host_missing"},
      {"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "target_form"},
      {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", "target_form"},
      // 20, 21, 23: versions
      {"GET / http/1.1\r\nHost: a\r\n\r\n", "version_malformed"},
      {"GET / HTTP/1\r\nHost: a\r\n\r\n", "version_malformed"},
      {"GET / HTTP/01.1\r\nHost: a\r\n\r\n", "version_malformed"},
      {"GET / HTTP/1.10\r\nHost: a\r\n\r\n", "version_malformed"},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "version_unsupported"},
      {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", "version_unsupported"},
      {"GET /\r\n", "target_malformed"},
      // 25, 26, 27: field names and folding
      {"GET / HTTP/1.1\r\nHost: a\r\n: v\r\n\r\n", "field_name"},
      {"GET / HTTP/1.1\r\nHost: a\r\nnocolon\r\n\r\n", "field_name"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX(Y: v\r\n\r\n", "field_name"},
      {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "field_name_space"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX\t: v\r\n\r\n", "field_name_space"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: v\r\n folded\r\n\r\n", "field_folded"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: v\r\n\tfolded\r\n\r\n", "field_folded"},
      // 30 to 33: Host
      {"GET / HTTP/1.1\r\n\r\n", "host_missing"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "host_repeated"},
      {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "host_malformed"},
      {"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", "host_malformed"},
      {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "host_malformed"},
      {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "host_malformed"},
      {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "host_malformed"},
      {"GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", "host_malformed"},
      {"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", "host_malformed"},
      {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "host_malformed"},
      {"GET / HTTP/1.1\r\nHost: [::g]\r\n\r\n", "host_malformed"},
      {"GET / HTTP/1.0\r\nHost: a b\r\n\r\n", "host_malformed"},
      // 39 to 46: framing
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
       "length_and_encoding"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
       "length_and_encoding"},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "encoding_in_http10"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "encoding_not_chunked"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", "encoding_not_chunked"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", "encoding_not_chunked"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", "encoding_not_chunked"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "encoding_unknown"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", "encoding_malformed"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
       "encoding_malformed"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n", "encoding_malformed"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", "encoding_malformed"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: , chunked\r\n\r\n", "encoding_malformed"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\x0b\r\n\r\n", "field_value"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", "length_malformed"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", "length_malformed"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "length_malformed"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", "length_malformed"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\n", "length_malformed"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0005\r\n\r\n", "length_malformed"},
      // 36: fields that are no lists
      {"GET / HTTP/1.1\r\nHost: a\r\nContent-Type: b\r\nContent-Type: b\r\n\r\n", "field_repeated"},
      {"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: b\r\nauthorization: c\r\n\r\n", "field_repeated"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1_0\r\n\r\n", "length_malformed"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", "length_repeated"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", "length_repeated"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "length_repeated"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n", "body_too_large"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551621\r\n\r\n", "body_too_large"},
      // 65: expectations
      {"POST / HTTP/1.1\r\nHost: a\r\nExpect: something\r\nContent-Length: 5\r\n\r\n", "expectation_unknown"},
  };
  for (const Refusal& refusal : cases) EXPECT_EQ(parse(refusal.input), refusal.error) << refusal.input;
}

TEST(RequestParser, RefusesMalformedChunks) {
  const Refusal cases[] = {
      {"0x5\r\nhello\r\n0\r\n\r\n", "chunk_size"},
      {"+5\r\nhello\r\n0\r\n\r\n", "chunk_size"},
      {"-1\r\n", "chunk_size"},
      {"5_0\r\n", "chunk_size"},
      {" 5\r\nhello\r\n", "chunk_size"},
      {"\r\nhello", "chunk_size"},
      {"g\r\n", "chunk_size"},
      {"5\nhello\r\n", "chunk_size"},
      {"00000000000000005\r\nhello\r\n", "chunk_size"},
      {"8000000000000000\r\n", "chunk_size"},
      {"FFFFFFFFFFFFFFFF\r\n", "chunk_size"},
      {"7FFFFFFFFFFFFFFF\r\n", "body_too_large"},
      {"5 \r\nhello\r\n", "chunk_extension"},
      {"5 x\r\nhello\r\n", "chunk_extension"},
      {"5;\r\nhello\r\n", "chunk_extension"},
      {"5;a=\r\nhello\r\n", "chunk_extension"},
      {"5;a=b c\r\nhello\r\n", "chunk_extension"},
      {"5;a=\"b\r\nhello\r\n", "chunk_extension"},
      {"5;a=\"b\"c\r\nhello\r\n", "chunk_extension"},
      {"5;a\nhello\r\n", "chunk_extension"},
      {"5;a\rhello\r\n", "line_end"},
      {"5\r\nhello0\r\n\r\n", "chunk_end"},
      {"5\r\nhello\n0\r\n\r\n", "chunk_end"},
      {"5\r\nhelloXX", "chunk_end"},
      {"5\r\nhello\rX", "chunk_end"},
      {"0\r\nX : v\r\n\r\n", "field_name_space"},
      {"0\r\nHost: b\r\n\r\n", "trailer_forbidden"},
      {"0\r\nContent-Length: 5\r\n\r\n", "trailer_forbidden"},
      {"0\r\ntransfer-encoding: chunked\r\n\r\n", "trailer_forbidden"},
      {"0\r\nX: v\n\r\n", "line_end"},
      {"0\r\n\rX", "line_end"},
  };
  for (const Refusal& refusal : cases) {
    EXPECT_EQ(parse("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
                    std::string(refusal.input)),
              refusal.error)
        << refusal.input;
  }
}

TEST(RequestParser, NulIsRefusedWhereverItStands) {
  const std::string input = "GET /a HTTP/1.1\r\nHost: a\r\nX: yy\r\n\r\n";
  for (std::size_t at = 0; at < input.size(); ++at) {
    std::string with_nul = input;
    with_nul[at] = '\0';
    RequestParser parser{ParseLimits()};
    EXPECT_EQ(parser.parse({with_nul.data(), with_nul.size()}), Result::refused) << at;
  }
}

TEST(RequestParser, ValidHosts) {
  for (const char* host : {"a", "a.b-c_d~e", "127.0.0.1", "127.0.0.1:80", "a:", "a:65535", "[::1]",
                           "[::1]:80", "%41!$&'()*+;="}) {
    EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n").substr(0, 5), "GET /")
        << host;
  }
}

TEST(RequestParser, AHostThatIsKnownDoesNotCoverAnother) {
  RequestParser parser{ParseLimits()};
  for (const auto& [host, expected] :
       std::vector<std::pair<std::string, Result>>{{"good.example", Result::complete},
                                                   {"good.example", Result::complete},
                                                   {"good.exampl", Result::complete},
                                                   {"good example", Result::refused},
                                                   {"good.example", Result::complete},
                                                   {"good.example,", Result::refused}}) {
    std::string input = "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
    parser.reset();
    EXPECT_EQ(parser.parse({input.data(), input.size()}), expected) << host;
  }
}

TEST(RequestParser, TargetForms) {
  const auto path_of = [](const std::string& target, const std::string& method) {
    RequestParser parser{ParseLimits()};
    std::string input = method + " " + target + " HTTP/1.1\r\nHost: h:1\r\n\r\n";
    EXPECT_EQ(parser.parse({input.data(), input.size()}), Result::complete) << target;
    const Request request(parser, input.data());
    return std::string(request.path()) + "|" + std::string(request.query());
  };
  EXPECT_EQ(path_of("/a/b?c=d?e", "GET"), "/a/b|c=d?e");
  EXPECT_EQ(path_of("/", "GET"), "/|");
  EXPECT_EQ(path_of("http://h:1/a?b", "GET"), "/a|b");
  EXPECT_EQ(path_of("HTTP://H:1", "GET"), "/|");
  EXPECT_EQ(path_of("http://h:1?q", "GET"), "/|q");
  EXPECT_EQ(path_of("*", "OPTIONS"), "*|");
}

TEST(RequestParser, ExpectContinue) {
  RequestParser parser{ParseLimits()};
  std::string head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n";
  ASSERT_EQ(parser.parse({head.data(), head.size()}), Result::need_more);
  EXPECT_TRUE(parser.head_complete());
  EXPECT_TRUE(parser.expects_continue());
  EXPECT_EQ(parser.declared_bytes(), head.size() + 5);
  // RFC 9110 10.1.1: ignored from an HTTP/1.0 client, even one that would be unknown.
  parser.reset();
  std::string old = "POST / HTTP/1.0\r\nExpect: something\r\nContent-Length: 1\r\n\r\nx";
  ASSERT_EQ(parser.parse({old.data(), old.size()}), Result::complete);
  EXPECT_FALSE(parser.expects_continue());
}

TEST(RequestParser, LimitsHoldExactly) {
  ParseLimits limits;
  limits.request_bytes_max = 200;
  limits.target_bytes_max = 50;
  limits.fields_max = 3;
  const auto target = [](std::size_t n) {
    return "GET /" + std::string(n - 1, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  };
  EXPECT_EQ(parse(target(50), limits).substr(0, 5), "GET /");
  EXPECT_EQ(parse(target(51), limits), "target_too_long");
  ParseLimits short_head = limits;
  short_head.head_bytes_max = 40;  // less than a target may have
  EXPECT_EQ(parse(target(50), short_head), "target_too_long");
  EXPECT_EQ(parse(target(20), short_head), "head_too_large");

  EXPECT_EQ(parse(get("A: 1\r\nB: 2\r\n"), limits).substr(0, 5), "GET /");
  EXPECT_EQ(parse(get("A: 1\r\nB: 2\r\nC: 3\r\n"), limits), "too_many_fields");

  const auto head_of = [](std::size_t bytes) {
    return get("X: " + std::string(bytes - get("X: \r\n").size(), 'x') + "\r\n");
  };
  EXPECT_EQ(parse(head_of(200), limits).substr(0, 5), "GET /");
  EXPECT_EQ(parse(head_of(201), limits), "head_too_large");
  EXPECT_EQ(parse(head_of(2000), limits), "head_too_large");

  const auto with_body = [](std::size_t total) {
    std::string text = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: NNN\r\n\r\n";
    const std::string length = std::to_string(total - text.size());
    text.replace(text.find("NNN"), 3, length);
    return text + std::string(total - text.size(), 'b');
  };
  EXPECT_EQ(parse(with_body(200), limits).substr(0, 6), "POST /");
  EXPECT_EQ(parse(with_body(201), limits), "body_too_large");

  const std::string chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const auto chunk_to = [&](std::size_t total) {
    const std::size_t n = total - chunked.size();
    char size[8];
    std::snprintf(size, sizeof size, "%zx\r\n", n);
    return chunked + size + std::string(n, 'c') + "\r\n0\r\n\r\n";
  };
  EXPECT_EQ(parse(chunk_to(200), limits).substr(0, 6), "POST /");
  EXPECT_EQ(parse(chunk_to(201), limits), "body_too_large");
}

TEST(RequestParser, ChunkFramingIsBounded) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const auto result_of = [](std::string input, const ParseLimits& limits) {
    RequestParser parser(limits);
    const Result result = parser.parse({input.data(), input.size()});
    return outcome(parser, result, input).substr(0, 22);
  };
  // One octet a chunk: the framing weighs five times the data.
  std::string drops = head;
  for (int i = 0; i < 30'000; ++i) drops += "1\r\nx\r\n";
  EXPECT_EQ(result_of(drops, {}), "chunk_overhead");
  // The same number of chunks with eight octets each is no attack.
  std::string fair = head;
  for (int i = 0; i < 30'000; ++i) fair += "8\r\n01234567\r\n";
  EXPECT_EQ(result_of(fair + "0\r\n\r\n", {}).substr(0, 6), "POST /");
  EXPECT_EQ(result_of(head + "1;" + std::string(5000, 'a') + "\r\nx\r\n0\r\n\r\n", {}),
            "chunk_extension_large");
  EXPECT_EQ(result_of(head + "0\r\nX: " + std::string(9000, 'a'), {}), "trailer_too_large");
  std::string many = head + "0\r\n";
  for (int i = 0; i < 101; ++i) many += "X: y\r\n";
  EXPECT_EQ(result_of(many, {}), "trailer_too_large");
}

// A drip must cost time in proportion to its length: the parser must not go back over what it has read. Shown
// without a clock: wherever the parts of a request may be long, each octet of the run is made one that could not
// stand there as soon as the parser has had it. A second look would refuse the request.
TEST(RequestParser, NeverLooksTwiceAtARunOfOctets) {
  const std::string run(5000, 'v');
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n";
  const std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
  const struct {
    const char* where;
    std::string input;
  } cases[] = {
      {"target", "GET /" + run + " HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"query", "GET /?" + run + " HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"name", head + "X" + run + ": y\r\n\r\n"},
      {"value", head + "X: y" + run + "y\r\n\r\n"},
      {"body", head + "Content-Length: 5000\r\n\r\n" + run},
      {"chunk extension", chunked + "1;" + run.substr(0, 4000) + "\r\nx\r\n0\r\n\r\n"},
      {"quoted chunk extension", chunked + "1;a=\"" + run.substr(0, 4000) + "\"\r\nx\r\n0\r\n\r\n"},
      {"chunk data", chunked + "1388\r\n" + run + "\r\n0\r\n\r\n"},
      {"trailer name", chunked + "0\r\nX" + run + ": y\r\n\r\n"},
      {"trailer value", chunked + "0\r\nX: y" + run + "\r\n\r\n"},
  };
  for (const auto& [where, input] : cases) {
    const std::size_t begin = input.find("vvv");
    const std::size_t end = input.find_first_not_of('v', begin);
    RequestParser parser{ParseLimits()};
    std::string octets;
    Result result = Result::need_more;
    for (char c : input) {
      ASSERT_EQ(result, Result::need_more) << where << " after " << octets.size();
      octets.push_back(c);
      result = parser.parse({octets.data(), octets.size()});
      if (octets.size() > begin && octets.size() <= end) octets.back() = '\x01';
    }
    EXPECT_EQ(result, Result::complete) << where;
  }
}

// The same for many short lines: one that has been read is not read again with the next.
TEST(RequestParser, NeverLooksTwiceAtALineThatIsRead) {
  std::string input = "GET / HTTP/1.1\r\nHost: a\r\n";
  const std::size_t first = input.size();
  for (int i = 0; i < 90; ++i) input += "X: y\r\n";
  input += "\r\n";
  RequestParser parser{ParseLimits()};
  std::string octets;
  Result result = Result::need_more;
  for (char c : input) {
    octets.push_back(c);
    result = parser.parse({octets.data(), octets.size()});
    const bool line_is_read = octets.size() > first && c == '\n' && result == Result::need_more;
    if (line_is_read) octets.replace(octets.size() - 6, 6, "\x01\x01\x01\x01\x01\x01");
  }
  EXPECT_EQ(result, Result::complete);
}

}  // namespace
}  // namespace httpdyno::http
