// The conformance cases, as they are read from Markdown. README.md says how they are written.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace httpdyno::conformance {

// What the client does: it sends octets, and then perhaps waits, or ends its side.
struct Step {
  std::string octets;
  enum class Then { nothing, wait, end } then = Then::nothing;
  std::chrono::milliseconds pause{0};  // with `wait`
};

// One thing that an answer, or the handler's view of the request, must be: "with", "Allow: GET".
struct Claim {
  std::string about;
  std::string value;
};

struct Answer {
  int status = 0;
  bool closes = false;
  enum class Interim { never, once, perhaps } interim = Interim::never;  // 100 Continue before it
  bool no_content = false;
  std::vector<Claim> claims;
};

struct Case {
  std::string name;  // "2-request-line.md: Title", and in a table the row's octets
  std::vector<int> rules;
  std::vector<Step> steps;
  std::vector<Answer> answers;
  // What becomes of the connection after the last answer.
  enum class Ending { stays, closes, waits, ends } ending = Ending::stays;

  // All that the client sends.
  std::string octets() const;
};

// What is wrong with a file of cases, and where: "file:line: what".
class Malformed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// All cases of one file; not none. Throws Malformed.
std::vector<Case> read_cases(std::string_view file, std::string_view markdown);

}  // namespace httpdyno::conformance
