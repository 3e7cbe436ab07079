// What a handler is, and the one way in which it is called.
#pragma once

#include <concepts>
#include <exception>

#include "net/http/request.h"
#include "net/http/response.h"

namespace httpdyno {

// Called as handler(request, response), on the loop's thread or, with a pool, on several workers at a time:
// then it must be safe to call concurrently. Views from the request end with the call. What it throws becomes
// a 500.
template <class H>
concept Handler = std::invocable<H&, const http::Request&, http::Response&>;

// False when the handler threw; the response is then a 500 and the connection goes on.
template <Handler H>
bool run_handler(H& handler, const http::Request& request, http::Response& response) {
  try {
    handler(request, response);
    return true;
  } catch (const std::exception&) {
  } catch (...) {
  }
  response.reset();
  response.set_status(500);
  response.set_body("500 Internal Server Error\n");
  return false;
}

}  // namespace httpdyno
