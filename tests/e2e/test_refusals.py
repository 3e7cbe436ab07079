"""What must be refused, with which status; and that nothing of what follows is ever taken for a request.

The rules are RFC 9112 and 9110; each case names its paragraph where it is not plain.
"""

from __future__ import annotations

import pytest

from processes import Server
from wire import EOF, Client, Response, mask_date, parse_response, request

# What a smuggler hopes to have served: it stands behind every refused request.
SMUGGLED = request("/bytes/777", host="smuggled")


def head(*fields: str, line: str = "POST /echo HTTP/1.1", host: bool = True) -> bytes:
    """A head of these lines, and its end."""
    lines = [line, *(["Host: x"] if host else []), *fields, ""]
    return "".join(f"{item}\r\n" for item in lines).encode("latin-1")


def coded(*values: str, line: str = "POST /echo HTTP/1.1") -> bytes:
    """A head with these Transfer-Encodings and a chunked body behind it."""
    return head(*[f"Transfer-Encoding: {value}" for value in values], line=line) + b"3\r\nabc\r\n0\r\n\r\n"


def sized(*values: str) -> bytes:
    """A head with these Content-Lengths and five octets behind it."""
    return head(*[f"Content-Length: {value}" for value in values]) + b"01234"


def chunks(octets: bytes) -> bytes:
    return head("Transfer-Encoding: chunked") + octets


REFUSED: list[tuple[str, int, bytes]] = [
    # --- framing: 6.1 to 6.3
    ("both-cl-and-te", 400, head("Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n"),
    ("both-te-and-cl", 400, head("Transfer-Encoding: chunked", "Content-Length: 5") + b"0\r\n\r\n"),
    ("both-with-cl-0", 400, head("Content-Length: 0", "Transfer-Encoding: chunked") + b"0\r\n\r\n"),
    ("both-in-get", 400, head("Content-Length: 5", "Transfer-Encoding: chunked", line="GET / HTTP/1.1") + b"0\r\n\r\n"),
    ("cl-twice-same", 400, sized("5", "5")),
    ("cl-twice-different", 400, sized("5", "0")),
    ("cl-twice-apart", 400, head("Content-Length: 5", "X: y", "content-length: 5") + b"01234"),
    ("cl-list-same", 400, sized("5, 5")),
    ("cl-list-different", 400, sized("5, 6")),
    ("cl-list-empty-element", 400, sized("5,")),
    ("cl-plus", 400, sized("+5")),
    ("cl-minus", 400, sized("-1")),
    ("cl-minus-0", 400, sized("-0")),
    ("cl-hex", 400, sized("0x5")),
    ("cl-leading-zeros", 400, sized("0005")),
    ("content-type-twice", 400, head("Content-Type: a", "Content-Type: a")),
    ("cl-inner-space", 400, sized("5 5")),
    ("cl-inner-tab", 400, sized("5\t5")),
    ("cl-empty", 400, sized("")),
    ("cl-blank", 400, sized("   ")),
    ("cl-exponent", 400, sized("1e3")),
    ("cl-fraction", 400, sized("5.0")),
    ("cl-underscore", 400, sized("1_0")),
    ("cl-quoted", 400, sized('"5"')),
    ("cl-letter", 400, sized("5a")),
    ("cl-superscript", 400, sized("\xb2")),
    ("cl-semicolon", 400, sized("5;q=1")),
    ("cl-overflow-32", 413, sized("4294967301")),
    ("cl-overflow-64", 413, sized("18446744073709551621")),
    ("cl-overflow-far", 413, sized("9" * 100)),
    ("te-gzip", 400, coded("gzip")),
    ("te-identity", 400, coded("identity")),
    ("te-not-last", 400, coded("chunked, gzip")),
    ("te-not-last-identity", 400, coded("chunked, identity")),
    ("te-empty", 400, coded("")),
    ("te-comma", 400, coded(",")),
    ("te-xchunked", 400, coded("xchunked")),
    ("te-chunkedx", 400, coded("chunkedx")),
    ("te-twice-in-list", 400, coded("chunked, chunked")),
    ("te-twice-in-lines", 400, coded("chunked", "chunked")),
    ("te-lines-not-last", 400, coded("chunked", "gzip")),
    ("te-parameter", 400, coded("chunked;q=1")),
    ("te-leading-comma", 400, coded(", chunked")),
    ("te-trailing-comma", 400, coded("chunked,")),
    ("te-quoted", 400, coded('"chunked"')),
    ("te-vertical-tab", 400, coded("chunked\x0b")),
    ("te-leading-vertical-tab", 400, coded("\x0bchunked")),
    ("te-nul", 400, coded("chunked\x00")),
    ("te-inner-space", 400, coded("chun ked")),
    ("te-two-words", 400, coded("chunked chunked")),
    ("te-obs-text", 400, coded("chunked\xa0")),
    ("te-unknown-before", 501, coded("gzip, chunked")),
    ("te-unknown-line-before", 501, coded("gzip", "chunked")),
    ("te-in-1.0", 400, coded("chunked", line="POST /echo HTTP/1.0")),
    ("te-gzip-in-1.0", 400, coded("gzip", line="POST /echo HTTP/1.0")),
    # --- field lines: 5.1, 5.2, 2.2
    ("space-before-colon", 400, head("Content-Length : 5") + b"01234"),
    ("tab-before-colon", 400, head("Transfer-Encoding\t: chunked") + b"0\r\n\r\n"),
    ("space-before-colon-of-host", 400, head("Host : x", host=False)),
    ("folded", 400, head("X: y", " z")),
    ("folded-tab", 400, head("X: y", "\tz")),
    ("folded-te", 400, head("Transfer-Encoding:", " chunked") + b"0\r\n\r\n"),
    ("folded-cl", 400, head("Content-Length: 5", " 5") + b"01234"),
    ("folded-first-line", 400, head(" X: y", host=False)),
    ("blank-line-of-space", 400, b"GET / HTTP/1.1\r\nHost: x\r\n \r\n"),
    ("no-colon", 400, head("X")),
    ("no-name", 400, head(": y")),
    ("space-in-name", 400, head("X Y: z")),
    ("nul-in-name", 400, head("X\x00: y")),
    ("obs-text-in-name", 400, head("X\xe9: y")),
    ("bracket-in-name", 400, head("X(: y")),
    ("at-in-name", 400, head("X@Y: z")),
    ("nul-in-value", 400, head("X: a\x00b")),
    ("del-in-value", 400, head("X: a\x7fb")),
    ("bell-in-value", 400, head("X: a\x07b")),
    ("vertical-tab-in-value", 400, head("X: a\x0bb")),
    ("bare-cr-in-value", 400, head("X: a\rb")),
    ("bare-cr-before-field", 400, head("X: a\rTransfer-Encoding: chunked")),
    ("bare-cr-before-crlf", 400, b"GET / HTTP/1.1\r\nHost: x\r\nX: y\r\r\n\r\n"),
    ("bare-lf-in-fields", 400, b"GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n"),
    ("bare-lf-after-request-line", 400, b"GET / HTTP/1.1\nHost: x\r\n\r\n"),
    ("bare-lf-at-the-end", 400, b"GET / HTTP/1.1\r\nHost: x\r\n\n"),
    ("bare-lf-everywhere", 400, b"GET / HTTP/1.1\nHost: x\n\n"),
    ("bare-cr-at-the-end", 400, b"GET / HTTP/1.1\r\nHost: x\r\n\rX"),
    ("bare-cr-everywhere", 400, b"GET / HTTP/1.1\rHost: x\r\r"),
    ("lf-smuggles-a-length", 400, head("X: y\nContent-Length: 5") + b"01234"),
    # --- Host: 3.2
    ("host-missing", 400, head(host=False, line="GET / HTTP/1.1")),
    ("host-twice", 400, head("Host: x")),
    ("host-twice-different", 400, head("host: y")),
    ("host-empty", 400, head("Host:", host=False)),
    ("host-blank", 400, head("Host:   ", host=False)),
    ("host-userinfo", 400, head("Host: a@b", host=False)),
    ("host-path", 400, head("Host: a/b", host=False)),
    ("host-query", 400, head("Host: a?b", host=False)),
    ("host-list", 400, head("Host: a,b", host=False)),
    ("host-space", 400, head("Host: a b", host=False)),
    ("host-port-letters", 400, head("Host: a:b", host=False)),
    ("host-port-large", 400, head("Host: a:65536", host=False)),
    ("host-port-minus", 400, head("Host: a:-1", host=False)),
    ("host-two-ports", 400, head("Host: a:1:2", host=False)),
    ("host-only-port", 400, head("Host: :80", host=False)),
    ("host-ipv6-open", 400, head("Host: [::1", host=False)),
    ("host-ipv6-bad", 400, head("Host: [::g]", host=False)),
    ("host-ipv6-bare", 400, head("Host: ::1", host=False)),
    ("host-ipv6-junk", 400, head("Host: [::1]x", host=False)),
    ("host-obs-text", 400, head("Host: \xe9", host=False)),
    ("host-scheme", 400, head("Host: http://a", host=False)),
    ("host-bad-in-1.0", 400, head("Host: a b", host=False, line="GET / HTTP/1.0")),
    ("host-twice-in-1.0", 400, head("Host: x", line="GET / HTTP/1.0")),
    ("host-other-than-target", 400, head(line="GET http://y/ HTTP/1.1")),
    ("host-missing-with-absolute-form", 400, head(line="GET http://x/ HTTP/1.1", host=False)),
    # --- the request line: 3
    ("method-missing", 400, head(line=" / HTTP/1.1")),
    ("method-bad", 400, head(line="G(T / HTTP/1.1")),
    ("method-nul", 400, head(line="G\x00T / HTTP/1.1")),
    ("method-unknown", 501, head(line="BREW / HTTP/1.1")),
    ("method-lower-case", 501, head(line="get / HTTP/1.1")),
    ("method-prefix", 501, head(line="GETX / HTTP/1.1")),
    ("method-long", 501, head(line="M" * 1000 + " / HTTP/1.1")),
    ("method-trace", 501, head(line="TRACE / HTTP/1.1")),
    ("method-connect", 501, head(line="CONNECT x:80 HTTP/1.1")),
    ("target-missing", 400, head(line="GET HTTP/1.1")),
    ("target-empty", 400, head(line="GET  HTTP/1.1")),
    ("two-spaces", 400, head(line="GET  / HTTP/1.1")),
    ("two-spaces-after-target", 400, head(line="GET /  HTTP/1.1")),
    ("tab-as-space", 400, head(line="GET\t/ HTTP/1.1")),
    ("tab-after-target", 400, head(line="GET /\tHTTP/1.1")),
    ("space-in-target", 400, head(line="GET /a b HTTP/1.1")),
    ("space-at-the-end", 400, head(line="GET / HTTP/1.1 ")),
    ("space-at-the-front", 400, head(line=" GET / HTTP/1.1")),
    ("fragment", 400, head(line="GET /#a HTTP/1.1")),
    ("nul-in-target", 400, head(line="GET /\x00 HTTP/1.1")),
    ("control-in-target", 400, head(line="GET /\x01 HTTP/1.1")),
    ("del-in-target", 400, head(line="GET /\x7f HTTP/1.1")),
    ("obs-text-in-target", 400, head(line="GET /\xe9 HTTP/1.1")),
    ("quote-in-target", 400, head(line='GET /" HTTP/1.1')),
    ("angle-in-target", 400, head(line="GET /<a> HTTP/1.1")),
    ("backslash-in-target", 400, head(line="GET /\\ HTTP/1.1")),
    ("caret-in-target", 400, head(line="GET /^ HTTP/1.1")),
    ("backtick-in-target", 400, head(line="GET /` HTTP/1.1")),
    ("brace-in-target", 400, head(line="GET /{a|b} HTTP/1.1")),
    # The same, deep inside a long target: where a scanner takes many octets at a time.
    *[(f"octet-{octet:02x}-far", 400, head(line=f"GET /{'a' * 50}{chr(octet)}{'b' * 50} HTTP/1.1"))
      for octet in (0x00, 0x1F, 0x22, 0x23, 0x3C, 0x3E, 0x5C, 0x5E, 0x60, 0x7B, 0x7C, 0x7D, 0x7F, 0x80, 0xFF)],
    ("target-without-slash", 400, head(line="GET a HTTP/1.1")),
    ("target-star", 400, head(line="GET * HTTP/1.1")),
    ("target-authority", 400, head(line="GET x:80 HTTP/1.1")),
    ("target-other-scheme", 400, head(line="GET ftp://x/ HTTP/1.1")),
    ("target-userinfo", 400, head(line="GET http://a@x/ HTTP/1.1")),
    ("target-no-host", 400, head(line="GET http:/// HTTP/1.1")),
    ("version-missing", 400, b"GET /\r\n\r\n"),
    ("version-0.9", 505, head(line="GET / HTTP/0.9")),
    ("version-2.0", 505, head(line="GET / HTTP/2.0")),
    ("version-9.9", 505, head(line="GET / HTTP/9.9")),
    ("version-lower-case", 400, head(line="GET / http/1.1")),
    ("version-short", 400, head(line="GET / HTTP/1")),
    ("version-leading-zero", 400, head(line="GET / HTTP/01.1")),
    ("version-long", 400, head(line="GET / HTTP/1.10")),
    ("version-comma", 400, head(line="GET / HTTP/1,1")),
    ("version-other", 400, head(line="GET / HTTQ/1.1")),
    ("version-space", 400, head(line="GET / HTTP/ 1.1")),
    ("preface-of-http2", 505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("hello-of-tls", 400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"r" * 200),
    ("garbage", 400, bytes(range(1, 10)) * 50),
    ("line-feed-before-request", 400, b"\n" + head(line="GET / HTTP/1.1")),
    ("carriage-return-before-request", 400, b"\r" + head(line="GET / HTTP/1.1")),
    ("too-many-empty-lines", 400, b"\r\n" * 20 + head(line="GET / HTTP/1.1")),
    # --- sizes: 3, RFC 9110 5.4
    ("target-8193", 414, head(line="GET /" + "a" * 8192 + " HTTP/1.1")),
    ("target-endless", 414, b"GET /" + b"a" * 60_000),
    ("fields-101", 431, head(*["X: y"] * 100)),
    # --- chunks: 7.1
    ("chunk-0x", 400, chunks(b"0x3\r\nabc\r\n0\r\n\r\n")),
    ("chunk-plus", 400, chunks(b"+3\r\nabc\r\n0\r\n\r\n")),
    ("chunk-minus", 400, chunks(b"-3\r\nabc\r\n0\r\n\r\n")),
    ("chunk-underscore", 400, chunks(b"0_3\r\nabc\r\n0\r\n\r\n")),
    ("chunk-leading-space", 400, chunks(b" 3\r\nabc\r\n0\r\n\r\n")),
    ("chunk-empty-size", 400, chunks(b"\r\nabc\r\n0\r\n\r\n")),
    ("chunk-only-extension", 400, chunks(b";a=b\r\nabc\r\n0\r\n\r\n")),
    ("chunk-trailing-space", 400, chunks(b"3 \r\nabc\r\n0\r\n\r\n")),
    ("chunk-not-hex", 400, chunks(b"g\r\nabc\r\n0\r\n\r\n")),
    ("chunk-bare-lf", 400, chunks(b"3\nabc\r\n0\r\n\r\n")),
    ("chunk-bare-cr", 400, chunks(b"3\rabc\r\n0\r\n\r\n")),
    ("chunk-data-bare-lf", 400, chunks(b"3\r\nabc\n0\r\n\r\n")),
    ("chunk-data-too-long", 400, chunks(b"3\r\nabcd\r\n0\r\n\r\n")),
    ("chunk-data-too-short", 400, chunks(b"3\r\nab\r\n0\r\n\r\n")),
    ("chunk-data-no-end", 400, chunks(b"3\r\nabc0\r\n\r\n")),
    ("chunk-last-junk", 400, chunks(b"3\r\nabc\r\n0\r\nX")),
    ("chunk-last-bare-lf", 400, chunks(b"3\r\nabc\r\n0\n\n")),
    ("chunk-last-lf-end", 400, chunks(b"3\r\nabc\r\n0\r\n\n")),
    ("chunk-overflow-64", 400, chunks(b"10000000000000003\r\nabc\r\n0\r\n\r\n")),
    ("chunk-overflow-zeros", 400, chunks(b"00000000000000000003\r\nabc\r\n0\r\n\r\n")),
    ("chunk-too-large", 413, chunks(b"fffffff\r\nabc\r\n0\r\n\r\n")),
    ("chunk-extension-lone-semicolon", 400, chunks(b"3;\r\nabc\r\n0\r\n\r\n")),
    ("chunk-extension-no-name", 400, chunks(b"3;=b\r\nabc\r\n0\r\n\r\n")),
    ("chunk-extension-no-value", 400, chunks(b"3;a=\r\nabc\r\n0\r\n\r\n")),
    ("chunk-extension-open-quote", 400, chunks(b'3;a="b\r\nabc\r\n0\r\n\r\n')),
    ("chunk-extension-control", 400, chunks(b"3;a\x01\r\nabc\r\n0\r\n\r\n")),
    ("chunk-extension-bare-lf", 400, chunks(b"3;a\nabc\r\n0\r\n\r\n")),
    ("chunk-extension-bare-cr", 400, chunks(b"3;a\rb\r\nabc\r\n0\r\n\r\n")),
    ("chunk-extension-two-words", 400, chunks(b"3;a b\r\nabc\r\n0\r\n\r\n")),
    ("chunk-extension-huge", 400, chunks(b"3;" + b"a" * 5000 + b"\r\nabc\r\n0\r\n\r\n")),
    ("chunk-extensions-many", 400, chunks(b"1;aaaaaaaaaaaaaaaa\r\na\r\n" * 300 + b"0\r\n\r\n")),
    ("chunk-overhead", 400, chunks(b"1\r\na\r\n" * 30_000 + b"0\r\n\r\n")),
    ("trailer-length", 400, chunks(b"3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n")),
    ("trailer-encoding", 400, chunks(b"3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n")),
    ("trailer-host", 400, chunks(b"3\r\nabc\r\n0\r\nhost: y\r\n\r\n")),
    ("trailer-folded", 400, chunks(b"3\r\nabc\r\n0\r\nX: y\r\n z\r\n\r\n")),
    ("trailer-bare-lf", 400, chunks(b"3\r\nabc\r\n0\r\nX: y\n\r\n")),
    ("trailer-space-before-colon", 400, chunks(b"3\r\nabc\r\n0\r\nX : y\r\n\r\n")),
    ("trailer-no-colon", 400, chunks(b"3\r\nabc\r\n0\r\nX\r\n\r\n")),
    ("trailer-large", 431, chunks(b"3\r\nabc\r\n0\r\nX: " + b"y" * 9000 + b"\r\n\r\n")),
    ("trailer-many", 431, chunks(b"3\r\nabc\r\n0\r\n" + b"X: y\r\n" * 101 + b"\r\n")),
    # --- Connection, Expect
    ("connection-bad-token", 400, head("Connection: cl(ose")),
    ("expect-unknown", 417, head("Expect: cake")),
]


def refusal(server: Server, octets: bytes) -> Response:
    """The only answer to the octets, after which the server closes in order."""
    with Client(server.port) as client:
        client.send(octets)
        received = client.read_to_end()
        assert client.ended == EOF, f"reset after {received[:200]!r}"
    response = parse_response(received)
    assert response is not None and response.raw == received, f"more than one answer: {received[:1000]!r}"
    assert response.closes
    assert response.body.decode() == f"{response.status} {response.reason}: " + response.body.decode().split(": ", 1)[1]
    return response


@pytest.mark.parametrize("status, octets", [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused_and_nothing_after_it_is_served(either_site: Server, status: int, octets: bytes) -> None:
    before = either_site.stats()
    response = refusal(either_site, octets + SMUGGLED)
    assert response.status == status, response.body
    after = either_site.stats()
    assert after["refused"] - before["refused"] == 1
    assert after["requests"] - before["requests"] == 1  # that which asked for the counters before


def test_refused_the_same_when_they_come_in_pieces(either_site: Server) -> None:
    for name, status, octets in REFUSED:
        whole = refusal(either_site, octets + SMUGGLED)
        assert whole.status == status, name
        size = max(1, len(octets) // 500)
        with Client(either_site.port) as client:
            for at in range(0, len(octets), size):
                client.send(octets[at : at + size])
            client.send(SMUGGLED)
            assert mask_date(client.read_to_end()) == whole.masked, name
            assert client.ended == EOF, name


def test_refused_behind_good_requests(either_site: Server) -> None:
    """What came before is answered, then the refusal, then nothing."""
    for name, status, octets in REFUSED:
        with Client(either_site.port) as client:
            client.send(request("/bytes/3") * 3 + octets + SMUGGLED)
            for _ in range(3):
                assert client.read().body == b"xxx", name
            assert client.read().status == status, name
            client.expect_end()


def test_refusal_says_which_rule(either_site: Server) -> None:
    response = refusal(either_site, head(host=False, line="GET / HTTP/1.1"))
    assert response.masked == (
        b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 34\r\nDate: -\r\n"
        b"Connection: close\r\n\r\n400 Bad Request: Host is required\n"
    )


@pytest.mark.parametrize("octets", [
    pytest.param(head(host=False, line="HEAD / HTTP/1.1"), id="400"),
    pytest.param(head("Content-Length: 99999999", line="HEAD / HTTP/1.1"), id="413"),
    pytest.param(head(*["X: y"] * 100, line="HEAD / HTTP/1.1"), id="431"),
    pytest.param(head("Expect: cake", line="HEAD / HTTP/1.1"), id="417"),
])
def test_refusal_of_head_has_no_content(either_site: Server, octets: bytes) -> None:
    """RFC 9110 9.3.2: content would be taken for the beginning of something else."""
    with Client(either_site.port) as client:
        response = client.ask(octets, "HEAD")
        assert response.status >= 400 and response.closes
        client.expect_end()


ACCEPTED: list[tuple[str, bytes, bytes]] = [
    ("empty-line-before", b"\r\n" + head(line="GET / HTTP/1.1"), b"OK"),
    ("two-empty-lines-before", b"\r\n\r\n" + head(line="GET / HTTP/1.1"), b"OK"),
    ("empty-line-after-body", sized("5") + b"\r\n" + b"", b"01234"),
    ("no-space-after-colon", head("Content-Length:5") + b"01234", b"01234"),
    ("blanks-around-value", head("Content-Length: \t 5 \t ") + b"01234", b"01234"),
    ("name-in-any-case", head("cOnTeNt-LeNgTh: 5") + b"01234", b"01234"),
    ("chunked-in-any-case", head("tRANSFER-eNCODING: cHUNKED") + b"5\r\n01234\r\n0\r\n\r\n", b"01234"),
    ("chunk-hex-in-any-case", chunks(b"00a\r\n0123456789\r\nA\r\n0123456789\r\n000\r\n\r\n"), b"01234567890123456789"),
    ("chunk-extensions", chunks(b'5;a;b=c;d="e;\\"\t\xff"\t;f \r\n01234\r\n0;x\r\n\r\n'.replace(b"f \r", b"f\r")), b"01234"),
    ("chunk-blank-before-semicolon", chunks(b"5 \t;a\r\n01234\r\n0\r\n\r\n"), b"01234"),
    ("trailers", chunks(b"5\r\n01234\r\n0\r\nX: y\r\nConnection: close\r\nX-Checksum: \xff\r\n\r\n"), b"01234"),
    ("underscore-is-another-name", head("Content_Length: 99", "Transfer_Encoding: chunked", line="GET / HTTP/1.1"), b"OK"),
    ("empty-value", head("X:", "Y: ", line="GET / HTTP/1.1"), b"OK"),
    ("obs-text-in-value", head("X: \x80\xff", line="GET / HTTP/1.1"), b"OK"),
    ("tab-in-value", head("X: a\tb", line="GET / HTTP/1.1"), b"OK"),
    ("odd-name", head("!#$%&'*+-.^_`|~0: y", line="GET / HTTP/1.1"), b"OK"),
    ("repeated-unknown-field", head("X: y", "X: y", line="GET / HTTP/1.1"), b"OK"),
    ("target-of-8192", head(line="GET /?" + "a" * 8190 + " HTTP/1.1"), b"OK"),
    ("fields-100", head(*["X: y"] * 99, line="GET / HTTP/1.1"), b"OK"),
    ("every-target-octet", head(line="GET /?-._~:/?[]@!$&'()*+,;=%20 HTTP/1.1"), b"OK"),
    ("host-with-port", head("Host: a-b.c:65535", host=False, line="GET / HTTP/1.1"), b"OK"),
    ("host-empty-port", head("Host: a:", host=False, line="GET / HTTP/1.1"), b"OK"),
    ("host-ipv4", head("Host: 127.0.0.1:80", host=False, line="GET / HTTP/1.1"), b"OK"),
    ("host-ipv6", head("Host: [::ffff:1.2.3.4]:8080", host=False, line="GET / HTTP/1.1"), b"OK"),
    ("host-percent", head("Host: a%20b", host=False, line="GET / HTTP/1.1"), b"OK"),
    ("host-last", head("X: y", "hOST:\tx\t", host=False, line="GET / HTTP/1.1"), b"OK"),
    ("absolute-form-in-any-case", head("Host: LOCALHOST:80", host=False, line="GET HTTP://localhost:80/ HTTP/1.1"), b"OK"),
    ("absolute-form-with-query", head(line="GET http://x?y HTTP/1.1"), b"OK"),
    ("minor-version-2", head(line="GET / HTTP/1.2"), b"OK"),
    ("minor-version-9", head(line="GET / HTTP/1.9"), b"OK"),
    ("connection-odd-tokens", head("Connection: , foo,,bar ,", line="GET / HTTP/1.1"), b"OK"),
    ("upgrade-ignored", head("Connection: Upgrade", "Upgrade: websocket", line="GET / HTTP/1.1"), b"OK"),
    ("range-ignored", head("Range: bytes=0-0", line="GET / HTTP/1.1"), b"OK"),
    ("body-of-get", head("Content-Length: 5", line="GET / HTTP/1.1") + b"01234", b"OK"),
    ("chunked-body-of-get", head("Transfer-Encoding: chunked", line="GET / HTTP/1.1") + b"1\r\na\r\n0\r\n\r\n", b"OK"),
    ("no-length-is-no-body", head(), b""),
]


@pytest.mark.parametrize("octets, body", [case[1:] for case in ACCEPTED], ids=[case[0] for case in ACCEPTED])
def test_accepted_and_what_follows_is_the_next_request(either_site: Server, octets: bytes, body: bytes) -> None:
    with Client(either_site.port) as client:
        client.send(octets + request("/bytes/4"))
        first, second = client.read(), client.read()
        assert (first.status, first.body, first.field("Connection")) == (200, body, "keep-alive")
        assert second.body == b"xxxx"
        assert client.buffer == b""


# --- every octet, near the front and where a scanner takes many at a time ---------------------------------------------------

_ALNUM = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_WHERE = {
    # Where the octet stands, which ones may, and the length of what is around it.
    "target": (b"GET /?%b%b%b HTTP/1.1\r\nHost: x\r\n\r\n", _ALNUM + b"-._~:/?[]@!$&'()*+,;=%"),
    "name": (b"GET / HTTP/1.1\r\nHost: x\r\nx%b%b%b: y\r\n\r\n", _ALNUM + b"!#$%&'*+-.^_`|~"),
    "value": (b"GET / HTTP/1.1\r\nHost: x\r\nX: %b%b%b\r\n\r\n", b"\t" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))),
}


@pytest.mark.parametrize("before", [0, 15, 16, 33, 70])
@pytest.mark.parametrize("where", _WHERE)
def test_every_octet(either_site: Server, where: str, before: int) -> None:
    template, allowed = _WHERE[where]
    for octet in range(256):
        # A colon ends a name; what follows is a value.
        if where == "name" and octet == ord(":"):
            continue
        sent = template % (b"a" * before, bytes([octet]), b"b" * 40)
        with Client(either_site.port) as client:
            status = client.ask(sent).status
        assert status == (200 if octet in allowed else 400), f"octet {octet:#x} in a {where} after {before}"


# --- Expect: 100-continue (RFC 9110 10.1.1) ---------------------------------------------------------------------------------

EXPECTING = head("Content-Length: 5", "Expect: 100-continue")
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize("sent, rest", [
    (EXPECTING, b"01234"),
    (head("Content-Length: 5", "expect: 100-Continue"), b"01234"),
    (head("Transfer-Encoding: chunked", "Expect: 100-continue"), b"5\r\n01234\r\n0\r\n\r\n"),
])
def test_continue_comes_before_the_body_and_once(either_site: Server, sent: bytes, rest: bytes) -> None:
    with Client(either_site.port) as client:
        for _ in range(2):
            client.send(sent)
            assert client.read_exactly(len(CONTINUE)) == CONTINUE
            for at in range(len(rest)):
                client.send(rest[at : at + 1])
                either_site.sync()
            assert client.read().body == b"01234"
            assert client.buffer == b""


def test_continue_is_left_out_when_the_body_has_begun(either_site: Server) -> None:
    with Client(either_site.port) as client:
        client.send(EXPECTING + b"0")
        either_site.sync()
        client.send(b"1234" + EXPECTING + b"56789")
        assert client.read().body == b"01234"
        assert client.read().body == b"56789"


def test_continue_is_not_for_http_1_0_nor_without_a_body(either_site: Server) -> None:
    with Client(either_site.port) as client:
        client.send(head("Content-Length: 0", "Expect: 100-continue"))
        assert client.read().status == 200
        client.send(head("Content-Length: 5", "Expect: 100-continue", line="POST /echo HTTP/1.0"))
        either_site.sync()
        client.send(b"01234")
        assert client.read().body == b"01234"


def test_continue_comes_in_its_turn(either_site: Server) -> None:
    with Client(either_site.port) as client:
        client.send(request("/sleep/50") + EXPECTING)
        assert client.read().body == b"slept\n"
        assert client.read_exactly(len(CONTINUE)) == CONTINUE
        client.send(b"01234")
        assert client.read().body == b"01234"


def test_no_continue_for_what_is_too_large(either_site: Server) -> None:
    response = refusal(either_site, head("Content-Length: 99999999", "Expect: 100-continue"))
    assert response.status == 413
