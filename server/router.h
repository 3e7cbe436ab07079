// A small router: a method and a path to a function; 404 for an unknown path, 405 with Allow for a known one.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/assert.h"
#include "net/base/octets.h"
#include "net/http/request.h"
#include "net/http/response.h"

namespace httpdyno {

// Filled before the server starts, read-only afterwards: then any number of threads may use it. `App` is what
// the application's functions get, by reference; it must outlive the router.
template <class App>
class Router {
 public:
  // `rest` is what follows a prefix; empty for an exact path.
  using Function = void (*)(App& app, const http::Request& request, std::string_view rest,
                            http::Response& response);

  explicit Router(App& app) : app_(&app) {}

  // `path` is a literal without a query. One that ends in "/*" stands for all that begin with it (without the star).
  Router& add(http::Method method, std::string_view path, Function function) {
    const bool prefix = path.ends_with("/*");
    if (prefix) path.remove_suffix(1);
    Route& route = find_or_add(path, prefix);
    ASSERT(route.functions[index(method)] == nullptr);
    route.functions[index(method)] = function;
    return *this;
  }

  // Handles one request. HEAD is answered by a path's GET, OPTIONS by its Allow (RFC 9110 9.3.2, 9.3.7).
  void operator()(const http::Request& request, http::Response& response) const {
    // No exact path holds a '?': one that equals the whole text has no query to be cut off.
    std::string_view path = request.path_and_query();
    const Route* route = find_exact(path);
    if (route == nullptr) {
      path = request.path();
      route = find(path);
    }
    if (route == nullptr && path == "*") return answer_options(kAllMethods, response);
    if (route == nullptr) {
      response.set_status(404);
      return response.set_body("404 Not Found\n");
    }
    http::Method method = request.method();
    Function function = route->functions[index(method)];
    if (function == nullptr && method == http::Method::head)
      function = route->functions[index(http::Method::get)];
    if (function != nullptr) return function(*app_, request, path.substr(route->path.size()), response);
    if (method == http::Method::options) return answer_options(allow(*route), response);
    response.set_status(405);
    static_cast<void>(response.add_field("Allow", allow(*route)));
    response.set_body("405 Method Not Allowed\n");
  }

 private:
  struct Route {
    std::string_view path;
    bool prefix;
    std::array<Function, http::kMethodCount> functions{};
  };

  static constexpr std::string_view kAllMethods = "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH";
  static constexpr std::size_t kLengths = 32;  // exact paths are looked up by their length, modulo this

  static std::size_t index(http::Method method) { return static_cast<std::size_t>(method); }

  Route& find_or_add(std::string_view path, bool prefix) {
    std::vector<Route>& routes = prefix ? prefixes_ : exact_[path.size() % kLengths];
    for (Route& route : routes) {
      if (route.path == path) return route;
    }
    return routes.emplace_back(Route{path, prefix});
  }

  const Route* find_exact(std::string_view path) const {
    for (const Route& route : exact_[path.size() % kLengths]) {
      if (equal_octets(route.path, path)) return &route;
    }
    return nullptr;
  }

  const Route* find(std::string_view path) const {
    if (const Route* route = find_exact(path)) return route;
    for (const Route& route : prefixes_) {
      if (path.starts_with(route.path)) return &route;
    }
    return nullptr;
  }

  static std::string allow(const Route& route) {
    std::string methods;
    for (int i = 0; i < http::kMethodCount; ++i) {
      const auto method = static_cast<http::Method>(i);
      const bool by_get =
          method == http::Method::head && route.functions[index(http::Method::get)] != nullptr;
      if (route.functions[index(method)] == nullptr && !by_get && method != http::Method::options) continue;
      if (!methods.empty()) methods.append(", ");
      methods.append(http::method_name(method));
    }
    return methods;
  }

  static void answer_options(std::string_view methods, http::Response& response) {
    response.set_status(204);
    response.set_content_type("");
    static_cast<void>(response.add_field("Allow", methods));
  }

  App* app_;
  std::array<std::vector<Route>, kLengths> exact_;
  std::vector<Route> prefixes_;
};

}  // namespace httpdyno
