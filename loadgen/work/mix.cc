#include "loadgen/work/mix.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "loadgen/base/limits.h"
#include "net/http/chars.h"

namespace httpdyno::loadgen {

namespace {

using Json = nlohmann::ordered_json;

// What is wrong, where and what to do, without the file's name; ends the reading.
struct Fault {
  std::string text;
};

[[noreturn]] void refuse(const std::string& where, std::string_view what) {
  throw Fault{fmt::format("{} {}", where, what)};
}

// As a person finds it in the file: shortened, on one line.
std::string shown(const Json& value) {
  constexpr std::size_t kShown = 40;
  const std::string text = value.dump(-1, ' ', true);
  return text.size() <= kShown ? text : text.substr(0, kShown) + "...";
}

void refuse_if(std::string_view fault, const std::string& where, const Json& value) {
  if (!fault.empty()) refuse(where, fmt::format("{} {}", shown(value), fault));
}

void check_members(const std::string& where, const Json& object,
                   std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : object.items()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    refuse(where, fmt::format("has an unknown member {}: known are {}", shown(name), fmt::join(known, ", ")));
  }
}

const Json* find(const Json& object, const char* name) {
  const auto at = object.find(name);
  return at == object.end() ? nullptr : &*at;
}

const Json& require(const std::string& where, const Json& object, const char* name) {
  if (const Json* member = find(object, name)) return *member;
  refuse(where, fmt::format("has no \"{}\": name, weight and path are required", name));
}

const std::string& text_of(const std::string& where, const Json& value) {
  if (!value.is_string()) refuse(where, fmt::format("is {}: expected a string", shown(value)));
  return value.get_ref<const std::string&>();
}

std::uint64_t number_of(const std::string& where, const Json& value, std::uint64_t min, std::uint64_t max) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() < min || value.get<std::uint64_t>() > max) {
    refuse(where, fmt::format("is {}: expected a whole number from {} to {}", shown(value), min, max));
  }
  return value.get<std::uint64_t>();
}

void read_name(const std::string& where, const Json& value, RequestSpec& out) {
  out.name = text_of(where, value);
  const bool printable = std::all_of(out.name.begin(), out.name.end(),
                                     [](char c) { return http::is(http::kFieldChar, c) && c != '\t'; });
  if (out.name.empty() || out.name.size() > kKindNameBytesMax || !printable) {
    refuse(where,
           fmt::format("is {}: expected 1 to {} octets of printable text", shown(value), kKindNameBytesMax));
  }
}

void read_body(const std::string& where, const Json& request, RequestSpec& out) {
  const Json* text = find(request, "body");
  const Json* size = find(request, "body_bytes");
  if (text != nullptr && size != nullptr) refuse(where, "has both \"body\" and \"body_bytes\": keep one");
  if (text != nullptr) out.body = text_of(where + ".body", *text);
  if (size != nullptr) {
    out.body = deterministic_body(number_of(where + ".body_bytes", *size, 0, kBodyBytesMax));
  }
  out.has_body = text != nullptr || size != nullptr;
}

void read_headers(const std::string& where, const Json& headers, RequestSpec& out) {
  if (!headers.is_object()) {
    refuse(where, fmt::format("is {}: expected an object of names and values", shown(headers)));
  }
  for (const auto& [name, value] : headers.items()) {
    const std::string at = fmt::format("{}[{}]", where, shown(name));
    const std::string_view text = http::trim_blanks(text_of(at, value));
    refuse_if(field_fault(name, text), at, value);
    out.fields.emplace_back(name, text);
  }
}

RequestSpec read_request(const std::string& where, const Json& request, const RequestSpec& base) {
  if (!request.is_object()) refuse(where, fmt::format("is {}: expected an object", shown(request)));
  check_members(where, request,
                {"name", "weight", "path", "method", "headers", "body", "body_bytes", "expect_status"});
  RequestSpec out = base;
  read_name(where + ".name", require(where, request, "name"), out);
  out.weight = number_of(where + ".weight", require(where, request, "weight"), 1, kWeightMax);
  const Json& path = require(where, request, "path");
  out.target = text_of(where + ".path", path);
  refuse_if(target_fault(out.target), where + ".path", path);
  read_body(where, request, out);
  out.method = default_method(out.has_body);
  if (const Json* method = find(request, "method")) {
    out.method = text_of(where + ".method", *method);
    refuse_if(method_fault(out.method), where + ".method", *method);
  }
  if (const Json* headers = find(request, "headers")) read_headers(where + ".headers", *headers, out);
  if (const Json* status = find(request, "expect_status")) {
    out.expected_status = static_cast<int>(number_of(where + ".expect_status", *status, 200, 999));
  }
  return out;
}

std::vector<RequestSpec> read_mix(const Json& json, const RequestSpec& base) {
  if (!json.is_object() || !json.contains("requests")) {
    refuse("the file", "has no \"requests\": expected {\"requests\": [...]}");
  }
  check_members("the file", json, {"requests"});
  const Json& requests = json.at("requests");
  if (!requests.is_array() || requests.empty() || requests.size() > kKindsMax) {
    refuse("requests", fmt::format("is no list of 1 to {} requests", kKindsMax));
  }
  std::vector<RequestSpec> out;
  std::set<std::string> names;
  for (const Json& request : requests) {
    const std::string where = fmt::format("requests[{}]", out.size());
    out.push_back(read_request(where, request, base));
    if (!names.insert(out.back().name).second) {
      refuse(where + ".name", fmt::format("\"{}\" is taken: each kind needs its own", out.back().name));
    }
  }
  return out;
}

// JSON leaves it open which of two equal members counts (RFC 8259 4): neither does here.
Json parse_strictly(std::string_view text) {
  std::vector<std::set<std::string>> open;
  const auto watch = [&open](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    if (event == Json::parse_event_t::key && !open.back().insert(parsed.get<std::string>()).second) {
      refuse("the file", fmt::format("has {} twice in one object: keep one", shown(parsed)));
    }
    return true;
  };
  try {
    return Json::parse(text, watch);
  } catch (const Json::parse_error& error) {
    // "[json.exception.parse_error.101] parse error at line 3, column 7: ..."
    const std::string_view what = error.what();
    const std::size_t bracket = what.find("] ");
    refuse("the file", fmt::format("is no JSON: {}", what.substr(bracket + 2)));
  }
}

}  // namespace

Failure parse_mix(const std::string& path, std::string_view text, const RequestSpec& base,
                  std::vector<RequestSpec>& out) {
  try {
    out = read_mix(parse_strictly(text), base);
    return {};
  } catch (const Fault& fault) {
    return usage_failure(fmt::format("--mix {}: {}", path, fault.text));
  }
}

}  // namespace httpdyno::loadgen
