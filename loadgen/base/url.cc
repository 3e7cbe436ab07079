#include "loadgen/base/url.h"

#include <charconv>

#include "net/http/chars.h"

namespace httpdyno::loadgen {

namespace {

constexpr std::string_view kTargetEnd = "/?#";

bool parse_port(std::string_view text, std::uint16_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out != 0;
}

std::string_view parse_authority(std::string_view text, Url& out) {
  if (text.find('@') != std::string_view::npos) return "has user information, which is not supported: use -H";
  std::string_view host = text;
  std::string_view port;
  if (!text.empty() && text.front() == '[') {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return "has a '[' without a ']'";
    host = text.substr(1, bracket - 1);
    port = text.substr(bracket + 1);
    if (host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos || host.empty()) {
      return "has no IPv6 address between '[' and ']'";
    }
    if (!port.empty() && port.front() != ':') return "has something other than a port after ']'";
  } else {
    const std::size_t colon = text.find(':');
    if (colon != std::string_view::npos) {
      host = text.substr(0, colon);
      port = text.substr(colon);
    }
    for (char c : host) {
      if (!http::is(http::kHostChar, c)) return "has a host with a character that no host may have";
    }
  }
  if (host.empty()) return "has no host";
  const bool bracketed = text.front() == '[';
  out.host = host;
  out.authority = text.substr(0, bracketed ? text.find(']') + 1 : host.size());
  out.port = 80;
  if (port.size() > 1) {
    if (!parse_port(port.substr(1), out.port)) return "has a port that is not a number from 1 to 65535";
    if (out.port != 80) out.authority.append(":").append(std::to_string(out.port));
  } else if (!port.empty()) {
    return "has a ':' without a port";
  }
  return {};
}

std::string_view octets_fault(std::string_view target) {
  if (target.find('#') != std::string_view::npos)
    return "has a fragment, which is never sent to a server: remove '#'";
  for (char c : target) {
    if (!http::is(http::kTargetChar, c)) return "has a character that must be percent-encoded";
  }
  return {};
}

}  // namespace

std::string_view target_fault(std::string_view target) {
  if (target.empty() || target.front() != '/') return "must begin with '/'";
  return octets_fault(target);
}

std::string_view parse_url(std::string_view text, Url& out) {
  if (text.empty()) return "is empty";
  if (const std::size_t mark = text.find("://"); mark != std::string_view::npos) {
    const std::string_view scheme = text.substr(0, mark);
    if (http::equals_lower(scheme, "https")) return "is https, which is not supported: only plain http is";
    if (!http::equals_lower(scheme, "http")) return "has a scheme other than http";
    text.remove_prefix(mark + 3);
  } else if (text.find_first_of(":/") == std::string_view::npos) {
    return "is no URL: expected http://HOST[:PORT][/PATH]";
  }

  const std::size_t authority_end = text.find_first_of(kTargetEnd);
  if (const std::string_view wrong = parse_authority(text.substr(0, authority_end), out); !wrong.empty())
    return wrong;

  std::string_view target = authority_end == std::string_view::npos ? "" : text.substr(authority_end);
  if (const std::string_view wrong = octets_fault(target); !wrong.empty()) return wrong;
  out.target = target;
  if (out.target.empty() || out.target.front() != '/') out.target.insert(0, 1, '/');
  return {};
}

}  // namespace httpdyno::loadgen
