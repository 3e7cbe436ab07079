// A case through the whole server: what comes back when its octets arrive in this or that way.
#pragma once

#include <string>
#include <vector>

#include "tests/conformance/cases.h"
#include "tests/conformance/site.h"

namespace httpdyno::conformance {

struct Served {
  std::string octets;   // all that the server sent
  bool ended = false;   // the server has ended its side
  bool closed = false;  // or all of the connection, before the client did
  std::vector<Seen> seen;
};

// Serves cases on one loop, each on a connection of its own.
class Server {
 public:
  Server();
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // `cuts` are where the client's octets are cut, counted from the first of the case, ascending. `behind` is sent
  // after everything, in one piece.
  Served serve(const Case& given, const std::vector<std::size_t>& cuts, const std::string& behind = {});

 private:
  struct World;
  World* world_;
};

// Every difference between what came back and what the case asks for; empty when there is none. `followed`: a
// GET of "/" stood behind the case.
std::string differences(const Case& given, const Served& served, bool followed);

// Without what may differ from one way of arriving to the next: Date, and an interim answer that may be there.
std::string comparable(const Case& given, std::string octets);

}  // namespace httpdyno::conformance
