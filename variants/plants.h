// Faults that a program shows when it is told to: what a gate must see, planted where no layout differs.
//
// CMake's HTTPDYNO_PLANTS gives the flag to the servers; without it they have no bit of this. A program with plants is of
// the same objects: only main() differs, which wraps the handler, and the linker leads send() and setsockopt(), as net/io
// calls them, here. Started without a plant, it is the base of the one that is started with it.
#pragma once

#include <mutex>
#include <string>
#include <utility>

#include "net/http/request.h"
#include "net/http/response.h"
#include "variants/identity.h"

namespace httpdyno::variants {

// Takes every --plant NAME[:ARGUMENTS] out of the command line. Why one cannot be planted, in one line; empty when all
// are. From the main thread, before there is another.
std::string take_plants(const Row& row, int& argc, char** argv);

// What --help says of them.
std::string plants_help();

// Around each call of the handler, on any thread.
std::unique_lock<std::mutex> join_convoy();
void before_handler();
void after_handler(http::Response& response);

// The handler of a program with plants.
template <class H>
class Planted {
 public:
  Planted(H handler) : handler_(std::move(handler)) {}  // NOLINT: whoever is given one gives the other

  void operator()(const http::Request& request, http::Response& response) {
    const std::unique_lock<std::mutex> convoy = join_convoy();
    before_handler();
    handler_(request, response);
    after_handler(response);
  }

 private:
  H handler_;
};

}  // namespace httpdyno::variants
