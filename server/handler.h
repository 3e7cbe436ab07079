// What a handler is, and the one way in which it is called.
#pragma once

#include <concepts>

#include "net/http/request.h"
#include "net/http/response.h"

namespace httpdyno {

// Called as handler(request, response): by Server on the loop's own thread, by PooledServer on its workers. With
// several loops, or a pool, several threads call the one handler at a time: then it must be safe for that. Views
// from the request end with the call; how long a view that is given to the response must last is said in response.h.
// What it throws becomes a 500.
template <class H>
concept Handler = std::invocable<H&, const http::Request&, http::Response&>;

// False when the handler threw; the response is then a 500 and the connection goes on.
template <Handler H>
bool run_handler(H& handler, const http::Request& request, http::Response& response) {
  try {
    handler(request, response);
    return true;
  } catch (...) {
  }
  response.reset();
  response.set_status(500);
  response.set_body("500 Internal Server Error\n");
  return false;
}

}  // namespace httpdyno
