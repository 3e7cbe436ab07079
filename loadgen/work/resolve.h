// From a URL's host or unix socket to the one address that a run uses.
#pragma once

#include "loadgen/base/failure.h"
#include "loadgen/base/url.h"
#include "net/base/time.h"
#include "net/io/socket.h"

namespace httpdyno::loadgen {

// A URL with a unix socket has that address. A name may have several ("localhost" has ::1 and 127.0.0.1), and
// the server may listen on one of them: the first that accepts a connection is taken. A host with a single
// address is not tried here. Blocks for at most the look-up and `timeout` for each address.
Failure find_server(const Url& url, Duration timeout, io::Address& out);

}  // namespace httpdyno::loadgen
