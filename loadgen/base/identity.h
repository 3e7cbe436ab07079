// Who this program is: version, revision, and how it was built.
#pragma once

#include <string>
#include <string_view>

namespace httpdyno::loadgen {

std::string_view version();

// One object of JSON on one line, with the same keys that the servers' --identity has.
std::string identity_json();

}  // namespace httpdyno::loadgen
