// The request heads that the micro benchmarks parse.
#pragma once

#include <string>

namespace httpdyno::micro {

// What load generators send: 47 octets.
inline const std::string kSmallHead = "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";

// What a browser sends: about half a kilobyte, eight fields.
inline const std::string kBrowserHead =
    "GET /articles/2026/11/what-a-request-costs.html?page=2&sort=newest HTTP/1.1\r\n"
    "Host: www.example.org\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.7,de;q=0.3\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Referer: http://www.example.org/articles/2026/11/\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: theme=dark; consent=none; visited=4; "
    "session=0123456789abcdef0123456789abcdef0123456789abcdef\r\n"
    "\r\n";

}  // namespace httpdyno::micro
