#include "tests/conformance/served.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "server/inline_dispatch.h"
#include "server/loop.h"
#include "tests/server/fake_io.h"

namespace httpdyno::conformance {

namespace {

constexpr std::string_view kInterim = "HTTP/1.1 100 Continue\r\n\r\n";

// The handler of the site, which keeps what it saw.
struct Handler {
  Site* site;
  Router<Site> router;
  void operator()(const http::Request& request, http::Response& response) {
    site->seen.push_back(look_at(request));
    router(request, response);
  }
};

Config make_config() {
  Config config;
  config.max_conn = 16;
  return config;
}

}  // namespace

struct Server::World {
  Config config = make_config();
  Site site;
  FakeIo io;
  InlineDispatch<Handler> dispatch{config, Handler{&site, make_router(site)}};
  Loop<FakeIo, InlineDispatch<Handler>> loop{config, io, dispatch};

  // Until nothing happens any more.
  void settle(const FakePeer& peer) {
    for (int quiet = 0; quiet < 2;) {
      const std::size_t written = peer.written.size();
      const std::size_t waiting = peer.to_server.size();
      ASSERT(!loop.turn(Duration::zero()));
      quiet = peer.written.size() == written && peer.to_server.size() == waiting ? quiet + 1 : 0;
    }
  }
};

Server::Server() : world_(new World) {}
Server::~Server() { delete world_; }

Served Server::serve(const Case& given, const std::vector<std::size_t>& cuts, const std::string& behind) {
  World& world = *world_;
  world.site.seen.clear();
  const std::shared_ptr<FakePeer> peer = world.io.connect();
  std::size_t sent = 0;
  for (const Step& step : given.steps) {
    const std::size_t end = sent + step.octets.size();
    std::size_t begin = sent;
    const auto push_until = [&](std::size_t to) {
      if (to > begin) peer->to_server.push_back(step.octets.substr(begin - sent, to - begin));
      begin = to;
    };
    for (std::size_t cut : cuts) {
      if (cut > sent && cut < end) push_until(cut);
    }
    push_until(end);
    sent = end;
    if (step.then == Step::Then::end) peer->end = true;
    world.settle(*peer);
    if (step.pause.count() > 0) {
      world.io.advance(step.pause);
      world.settle(*peer);
    }
  }
  if (!behind.empty()) {
    peer->to_server.push_back(behind);
    world.settle(*peer);
  }
  Served served{peer->written, peer->server_shut, peer->server_closed, world.site.seen};
  // The client leaves, so that its place is free for the next.
  peer->end = true;
  world.settle(*peer);
  ASSERT(peer->server_closed);
  return served;
}

namespace {

using Values = std::vector<std::string>;

// An answer as a strict client reads it.
struct Received {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string content;
  bool after_interim = false;

  Values values(std::string_view name) const {
    Values found;
    for (const auto& [key, value] : fields) {
      if (key == name) found.push_back(value);
    }
    return found;
  }
};

// Takes a chunked content off the front of `octets`: chunks without extensions, no trailers.
std::string take_chunks(std::string& octets, std::string& wrong) {
  std::string content;
  for (;;) {
    const std::size_t line_end = octets.find("\r\n");
    const std::string digits = octets.substr(0, std::min(line_end, std::size_t{9}));
    if (digits.empty() || digits.size() > 8 ||
        digits.find_first_not_of("0123456789abcdefABCDEF") != digits.npos)
      break;
    const std::size_t size = std::stoul(digits, nullptr, 16);
    octets.erase(0, line_end + 2);
    content += octets.substr(0, size);
    if (octets.size() < size + 2 || octets.substr(size, 2) != "\r\n") break;
    octets.erase(0, size + 2);
    if (size == 0) return content;
  }
  wrong += "malformed chunks\n";
  return content;
}

constexpr std::string_view kVersion = "HTTP/1.1 ";
constexpr std::string_view kDate = "Aaa, 00 Aaa 0000 00:00:00 GMT";

// `pattern` stands for itself, but for A (a capital letter), a (a small one) and 0 (a digit).
bool looks_like(std::string_view text, std::string_view pattern) {
  return std::equal(text.begin(), text.end(), pattern.begin(), pattern.end(), [](char c, char wanted) {
    if (wanted == 'A') return c >= 'A' && c <= 'Z';
    if (wanted == 'a') return c >= 'a' && c <= 'z';
    return wanted == '0' ? c >= '0' && c <= '9' : c == wanted;
  });
}

bool consists_of(std::string_view text, char first, char last, std::string_view besides) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= first && c <= last) || besides.find(c) != besides.npos;
  });
}

bool is_status_line(std::string_view line) {
  constexpr std::string_view kBegin = "HTTP/1.1 000 ";
  constexpr std::string_view kCapitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ ";
  return looks_like(line.substr(0, kBegin.size()), kBegin) && line.size() > kBegin.size() &&
         consists_of(line.substr(kBegin.size()), 'a', 'z', kCapitals);
}

bool is_field_line(std::string_view field, std::size_t colon) {
  if (colon + 2 >= field.size()) return false;
  const std::string_view value = field.substr(colon + 2);
  constexpr std::string_view kCapitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ-";
  return consists_of(field.substr(0, colon), 'a', 'z', kCapitals) && consists_of(value, ' ', '~', "") &&
         value.front() != ' ' && value.back() != ' ';
}

// Takes one answer off the front of `octets`; what is wrong with it is appended to `wrong`.
std::optional<Received> take_answer(std::string& octets, bool no_content, std::string& wrong) {
  Received answer;
  if (octets.starts_with(kInterim)) {
    answer.after_interim = true;
    octets.erase(0, kInterim.size());
  }
  const std::size_t head_end = octets.find("\r\n\r\n");
  if (head_end == std::string::npos) return std::nullopt;
  const std::string head = octets.substr(0, head_end + 2);
  std::size_t at = head.find("\r\n");
  const std::string line = head.substr(0, at);
  if (!is_status_line(line)) {
    wrong += "no status line: " + line + "\n";
    return std::nullopt;
  }
  answer.status = std::stoi(line.substr(kVersion.size()));
  for (at += 2; at < head.size();) {
    const std::size_t end = head.find("\r\n", at);
    const std::string field = head.substr(at, end - at);
    const std::size_t colon = std::min(field.find(": "), field.size());
    if (!is_field_line(field, colon)) {
      wrong += "no field line: " + field + "\n";
      return std::nullopt;
    }
    answer.fields.emplace_back(field.substr(0, colon), field.substr(colon + 2));
    at = end + 2;
  }
  for (const auto& [name, value] : answer.fields) {
    if (answer.values(name).size() > 1) wrong += name + " came more than once\n";
  }
  const std::vector<std::string> dates = answer.values("Date");
  if (dates.size() != 1 || !looks_like(dates[0], kDate)) wrong += "no well-formed Date\n";
  octets.erase(0, head_end + 4);
  const bool may_have_content = answer.status != 204 && answer.status != 304;
  const std::vector<std::string> lengths = answer.values("Content-Length");
  const bool chunked = !answer.values("Transfer-Encoding").empty();
  const bool until_end = lengths.empty() && !chunked && answer.values("Connection") == Values{"close"};
  if (lengths.size() + (chunked ? 1 : 0) > (may_have_content ? 1 : 0)) wrong += "too much framing\n";
  if (may_have_content && lengths.empty() && !chunked && !until_end) wrong += "no framing\n";
  if (no_content || !may_have_content) return answer;
  if (chunked) {
    answer.content = take_chunks(octets, wrong);
  } else {
    const std::size_t length = until_end ? octets.size() : std::stoul(lengths[0]);
    if (octets.size() < length) wrong += "content is cut short\n";
    answer.content = octets.substr(0, length);
    octets.erase(0, length);
  }
  return answer;
}

bool holds(const Claim& claim, const Received& answer, const Seen* seen) {
  const auto has = [](const std::vector<std::string>& fields, const std::string& wanted, auto part) {
    return std::any_of(fields.begin(), fields.end(),
                       [&](const std::string& field) { return part(field) == wanted; });
  };
  const auto whole = [](const std::string& field) { return field; };
  const auto name_of = [](const std::string& field) { return field.substr(0, field.find(':')); };
  if (claim.about == "with" || claim.about == "without") {
    const std::size_t colon = claim.value.find(": ");
    const std::vector<std::string> values = answer.values(claim.value.substr(0, colon));
    if (claim.about == "without") return values.empty();
    return !values.empty() && (colon == std::string::npos || values[0] == claim.value.substr(colon + 2));
  }
  if (claim.about == "content") return answer.content == claim.value;
  if (seen == nullptr) return false;
  if (claim.about == "saw method") return seen->method == claim.value;
  if (claim.about == "saw target") return seen->target == claim.value;
  if (claim.about == "saw path") return seen->path == claim.value;
  if (claim.about == "saw version") return seen->version == claim.value;
  if (claim.about == "saw body") return seen->body == claim.value;
  if (claim.about == "saw field") return has(seen->fields, claim.value, whole);
  return claim.about == "saw no field" && !has(seen->fields, claim.value, name_of);
}

std::string differences_of(const Answer& wanted, const Received& answer, const Seen* seen) {
  std::string wrong;
  if (answer.status != wanted.status) {
    wrong += "status " + std::to_string(answer.status) + " instead of " + std::to_string(wanted.status) +
             ": " + answer.content + "\n";
  }
  const std::vector<std::string> connection = answer.values("Connection");
  if (connection != std::vector<std::string>{wanted.closes ? "close" : "keep-alive"}) {
    wrong += std::string("no Connection: ") + (wanted.closes ? "close" : "keep-alive") + "\n";
  }
  if (wanted.interim == Answer::Interim::once && !answer.after_interim) wrong += "no 100 before it\n";
  if (wanted.interim == Answer::Interim::never && answer.after_interim) wrong += "a 100 before it\n";
  for (const Claim& claim : wanted.claims) {
    if (!holds(claim, answer, seen)) wrong += "not " + claim.about + " " + claim.value + "\n";
  }
  return wrong;
}

}  // namespace

std::string differences(const Case& given, const Served& served, bool followed) {
  std::string wrong;
  std::string octets = served.octets;
  std::vector<Answer> answers = given.answers;
  const bool stays = given.ending == Case::Ending::stays;
  if (followed && stays) answers.push_back({.status = 200, .claims = {{"saw path", "/"}}});
  // A refused request never reaches the handler: what was seen belongs to the others, in order.
  std::size_t seen_index = 0;
  for (const Answer& wanted : answers) {
    const std::optional<Received> answer = take_answer(octets, wanted.no_content, wrong);
    if (!answer.has_value()) return wrong + "an answer is missing: " + std::to_string(wanted.status) + "\n";
    const bool has_seen = seen_index < served.seen.size();
    wrong += differences_of(wanted, *answer, has_seen ? &served.seen[seen_index] : nullptr);
    ++seen_index;
  }
  if (given.ending == Case::Ending::waits && octets == kInterim) octets.clear();
  if (!octets.empty()) wrong += "more than was asked for: " + octets + "\n";
  const bool client_ended = std::any_of(given.steps.begin(), given.steps.end(),
                                        [](const Step& step) { return step.then == Step::Then::end; });
  const bool over = served.ended || served.closed;
  const bool should_be_over =
      given.ending == Case::Ending::closes || given.ending == Case::Ending::ends || client_ended;
  if (over != should_be_over) wrong += over ? "the connection has ended\n" : "the connection has not ended\n";
  if (given.ending == Case::Ending::closes && served.closed && !client_ended) {
    wrong += "closed at once, which may destroy the answer on its way\n";
  }
  if (served.seen.size() > answers.size()) wrong += "the handler saw more requests than there were\n";
  return wrong;
}

std::string comparable(const Case& given, std::string octets) {
  const bool may_differ = given.ending == Case::Ending::waits ||
                          std::any_of(given.answers.begin(), given.answers.end(), [](const Answer& answer) {
                            return answer.interim == Answer::Interim::perhaps;
                          });
  for (std::size_t at = 0; may_differ && (at = octets.find(kInterim, at)) != std::string::npos;) {
    octets.erase(at, kInterim.size());
  }
  constexpr std::string_view kDate = "\r\nDate: ";
  for (std::size_t at = 0; (at = octets.find(kDate, at)) != std::string::npos; ++at) {
    octets.erase(at, octets.find("\r\n", at + 2) - at);
  }
  return octets;
}

}  // namespace httpdyno::conformance
