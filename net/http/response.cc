#include "net/http/response.h"

#include "net/http/scan.h"

namespace httpdyno::http {

namespace {

bool is_field_value(std::string_view value) {
  const char* end = value.data() + value.size();
  return find_field_end(value.data(), end) == end;
}

bool is_set_by_core(std::string_view name) {
  return equals_lower(name, "content-length") || equals_lower(name, "transfer-encoding") ||
         equals_lower(name, "connection") || equals_lower(name, "date") || equals_lower(name, "content-type");
}

}  // namespace

bool Response::set_content_type(std::string_view type) {
  if (!is_field_value(type)) return false;
  content_type_ = type;
  return true;
}

bool Response::add_field(std::string_view name, std::string_view value) {
  const char* name_end = name.data() + name.size();
  if (name.empty() || find_end_of<kTokenChar>(name.data(), name_end) != name_end) return false;
  if (!is_field_value(value) || is_set_by_core(name)) return false;
  fields_.append(name).append(": ").append(value).append("\r\n");
  return true;
}

}  // namespace httpdyno::http
