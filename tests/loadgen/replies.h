// Answers as a TinyServer of a test gives them.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "tests/loadgen/tiny_server.h"

namespace httpdyno::loadgen {

inline std::string answer(std::string_view body, std::string_view fields = "") {
  std::string text = "HTTP/1.1 200 OK\r\n";
  text.append(fields)
      .append("Content-Length: ")
      .append(std::to_string(body.size()))
      .append("\r\n\r\n")
      .append(body);
  return text;
}

inline bool asks_for(const std::string& request, std::string_view target) {
  return request.find(fmt::format(" {} ", target)) < request.find("\r\n");
}

// Good answers, and the count of requests under /stats.
inline Reply good_reply(const std::string& request, std::uint64_t number) {
  if (asks_for(request, "/stats")) return {.bytes = answer(nlohmann::json{{"requests", number + 1}}.dump())};
  const bool close = request.find("Connection: close") != std::string::npos;
  const std::size_t head = request.find("\r\n\r\n") + 4;
  return {.bytes = answer(head < request.size() ? request.substr(head) : "OK",
                          close ? "Connection: close\r\n" : "Content-Type: text/plain\r\n"),
          .close = close};
}

}  // namespace httpdyno::loadgen
