// The floor's answers: the very octets that the real server would send for a workload.
#pragma once

#include <string>

#include "net/io/socket.h"

namespace httpdyno::variants {

// `name` is plaintext, json or echo (with `body_bytes` octets). Rendered once by the real parser, router and
// writer, with the Date of this moment. `bound` is the address that a client's Host names: the JSON answer
// depends on its length.
std::string prepared_answer(const std::string& name, std::size_t body_bytes, bool keep_alive,
                            const io::Address& bound);

}  // namespace httpdyno::variants
