#include "tests/conformance/cases.h"

#include <charconv>
#include <optional>

#include "net/http/chars.h"

namespace httpdyno::conformance {

namespace {

std::string_view trim(std::string_view text) { return http::trim_blanks(text); }

// The parts of `text` between separators that stand outside backticks.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    if (at < text.size() && text[at] == '`') quoted = !quoted;
    const bool escaped = at > 0 && at < text.size() && text[at - 1] == '\\';
    if (at < text.size() && (quoted || escaped || text[at] != separator)) continue;
    if (at < text.size() || !quoted) parts.push_back(trim(text.substr(begin, at - begin)));
    begin = at + 1;
  }
  return parts;
}

// Reads a file line by line; what it meets becomes part of the case that is being read.
class Reader {
 public:
  Reader(std::string_view file, std::string_view markdown) : file_(file), rest_(markdown) {}

  std::vector<Case> read() {
    std::string_view line;
    while (next_line(line)) {
      if (line.starts_with("## ")) {
        finish();
        title_ = trim(line.substr(3));
      } else if (line.starts_with("Rules:")) {
        if (!rules_.empty()) fail("a second line of rules");
        read_rules(line.substr(6));
      } else if (line.starts_with("```octets")) {
        read_block();
      } else if (line.starts_with("- ")) {
        if (title_.empty()) continue;
        answers_.push_back(line.substr(2));
      } else if (line.starts_with("|")) {
        read_row(line);
      }
    }
    finish();
    if (cases_.empty()) fail("no case in this file");
    return std::move(cases_);
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw Malformed(std::string(file_) + ":" + std::to_string(line_number_) + ": " + std::string(what));
  }

  bool next_line(std::string_view& line) {
    if (rest_.empty()) return false;
    const std::size_t end = rest_.find('\n');
    line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    ++line_number_;
    return true;
  }

  int number(std::string_view text) const {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) fail("no number: " + std::string(text));
    return value;
  }

  void read_rules(std::string_view text) {
    for (std::string_view rule : split(text, ',')) rules_.push_back(number(rule));
  }

  void read_block() {
    if (title_.empty()) fail("octets before the first title");
    if (block_.has_value()) fail("a second block of octets");
    block_.emplace();
    std::string_view line;
    while (next_line(line) && line != "```") {
      if (line.starts_with(' ') || line.ends_with(' '))
        fail("a line begins or ends with a space: write \\x20");
      block_->append(line);
    }
    if (line != "```") fail("the block of octets has no end");
  }

  // | `octets` | answers | perhaps a word on it |
  void read_row(std::string_view line) {
    if (line.starts_with("| here") || line.starts_with("|---")) return;
    const std::vector<std::string_view> cells = split(line.substr(1), '|');
    if (cells.size() < 3) fail("a row needs octets and answers");
    if (!block_.has_value() || block_->find("{here}") == std::string::npos) fail("a row, but no {here}");
    const std::string_view octets = cells[0] == "nothing" ? std::string_view() : quoted(cells[0]);
    add_case(title_ + " " + std::string(cells[0]), octets, split(cells[1], ';'));
    ++rows_;
  }

  void finish() {
    if (title_.empty()) return;
    if (rows_ == 0) add_case(title_, {}, answers_);
    if (rows_ > 0 && !answers_.empty()) fail("both a table and a list of answers: " + title_);
    title_.clear();
    rules_.clear();
    block_.reset();
    answers_.clear();
    rows_ = 0;
  }

  void add_case(const std::string& name, std::string_view here,
                const std::vector<std::string_view>& answers) {
    if (rules_.empty()) fail("no rules: " + title_);
    if (!block_.has_value()) fail("no octets: " + title_);
    if (answers.empty()) fail("no answers: " + title_);
    Case result;
    result.name = std::string(file_) + ": " + name;
    result.rules = rules_;
    result.steps.emplace_back();
    decode(*block_, here, result.steps);
    bool last = false;
    for (std::string_view answer : answers) {
      if (last) fail("an answer after the last one: " + std::string(answer));
      last = read_answer(answer, result);
    }
    cases_.push_back(std::move(result));
  }

  // True when nothing may follow it.
  bool read_answer(std::string_view text, Case& result) {
    const std::vector<std::string_view> clauses = split(text, ',');
    if (text == "waits" || text == "ends") {
      result.ending = text == "waits" ? Case::Ending::waits : Case::Ending::ends;
      return true;
    }
    Answer answer;
    answer.status = number(clauses[0]);
    if (clauses.size() < 2 || (clauses[1] != "stays" && clauses[1] != "closes")) fail("stays or closes?");
    answer.closes = clauses[1] == "closes";
    for (std::size_t i = 2; i < clauses.size(); ++i) read_clause(clauses[i], answer);
    result.answers.push_back(std::move(answer));
    result.ending = result.answers.back().closes ? Case::Ending::closes : Case::Ending::stays;
    return result.answers.back().closes;
  }

  void read_clause(std::string_view clause, Answer& answer) {
    if (clause == "no content") {
      answer.no_content = true;
    } else if (clause == "after 100") {
      answer.interim = Answer::Interim::once;
    } else if (clause == "perhaps after 100") {
      answer.interim = Answer::Interim::perhaps;
    } else {
      for (std::string_view about : {"with", "without", "content", "saw method", "saw target", "saw path",
                                     "saw version", "saw field", "saw no field", "saw body"}) {
        if (clause.starts_with(about) && clause.substr(about.size()).starts_with(" `")) {
          std::vector<Step> steps(1);
          decode(quoted(clause.substr(about.size() + 1)), {}, steps);
          answer.claims.push_back({std::string(about), steps[0].octets});
          return;
        }
      }
      fail("what is this: " + std::string(clause));
    }
  }

  std::string_view quoted(std::string_view text) const {
    if (text.size() < 2 || !text.starts_with('`') || !text.ends_with('`')) {
      fail("not in backticks: " + std::string(text));
    }
    return text.substr(1, text.size() - 2);
  }

  // Appends what is written to the last step, and steps where the client waits or ends.
  void decode(std::string_view text, std::string_view here, std::vector<Step>& steps) {
    while (!text.empty()) {
      if (text.front() == '{') {
        const std::size_t end = text.find('}');
        if (end == std::string_view::npos) fail("'{' without '}'");
        decode_braces(text.substr(1, end - 1), here, steps);
        text.remove_prefix(end + 1);
      } else {
        steps.back().octets.push_back(decode_octet(text));
      }
    }
  }

  void decode_braces(std::string_view text, std::string_view here, std::vector<Step>& steps) {
    const std::size_t star = text.rfind('*');
    if (text == "here") return decode(here, "{nested}", steps);
    if (text == "end") {
      steps.back().then = Step::Then::end;
      steps.emplace_back();
    } else if (text.starts_with("wait")) {
      steps.back().then = Step::Then::wait;
      if (text != "wait") {
        if (!text.starts_with("wait ") || !text.ends_with(" ms")) fail("{wait} or {wait 100 ms}");
        steps.back().pause = std::chrono::milliseconds(number(text.substr(5, text.size() - 8)));
      }
      steps.emplace_back();
    } else if (star != std::string_view::npos) {
      const int times = number(text.substr(star + 1));
      std::string once;
      for (std::string_view rest = text.substr(0, star); !rest.empty();) once.push_back(decode_octet(rest));
      for (int i = 0; i < times; ++i) steps.back().octets.append(once);
    } else {
      fail("what is this: {" + std::string(text) + "}");
    }
  }

  // Takes one octet off the front of `text`.
  char decode_octet(std::string_view& text) const {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '`' || c == '}') fail("write it as \\x60 or \\}");
    if (c != '\\') return c;
    if (text.empty()) fail("a backslash at the end");
    const char escape = text.front();
    text.remove_prefix(1);
    switch (escape) {
      case 'r': return '\r';
      case 'n': return '\n';
      case 't': return '\t';
      case '\\':
      case '{':
      case '}':
      case '|': return escape;
      case 'x': {
        const int high = text.size() < 2 ? -1 : http::hex_value(text[0]);
        const int low = text.size() < 2 ? -1 : http::hex_value(text[1]);
        if (high < 0 || low < 0) fail("\\x needs two hexadecimal digits");
        text.remove_prefix(2);
        return static_cast<char>(high * 16 + low);
      }
      default: fail(std::string("unknown escape: \\") + escape);
    }
  }

  std::string_view file_;
  std::string_view rest_;
  int line_number_ = 0;
  std::vector<Case> cases_;
  // Of the title that is being read.
  std::string title_;
  std::vector<int> rules_;
  std::optional<std::string> block_;
  std::vector<std::string_view> answers_;
  int rows_ = 0;
};

}  // namespace

std::string Case::octets() const {
  std::string all;
  for (const Step& step : steps) all.append(step.octets);
  return all;
}

std::vector<Case> read_cases(std::string_view file, std::string_view markdown) {
  return Reader(file, markdown).read();
}

}  // namespace httpdyno::conformance
