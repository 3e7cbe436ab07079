"""GET /metrics: OpenMetrics text that a strict reader takes, with the same counters as /stats."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from openmetrics import CONTENT_TYPE, Malformed, parse
from processes import Server
from programs import counter_help, counter_names
from wire import Client, post, request

GOOD = "# TYPE a counter\n# HELP a text\na_total 1\n# TYPE b_bytes gauge\n# UNIT b_bytes bytes\nb_bytes 0\n# EOF\n"


def metric_name(counter: str) -> str:
    """OpenMetrics wants the unit last."""
    unit, _, rest = counter.partition("_")
    return f"httpdyno_{rest}_{unit}" if unit == "bytes" else f"httpdyno_{counter}"


def test_metrics_are_openmetrics(site: Server) -> None:
    with Client(site.port) as client:
        client.ask(post("/echo", b"12345"))
        response = client.get("/metrics")
        assert response.status == 200 and response.field("Content-Type") == CONTENT_TYPE
        families = parse(response.body)
    assert list(families) == [metric_name(name) for name in counter_names()]
    for name, text in counter_help().items():
        family = families[metric_name(name)]
        assert (family.type, family.help) == ("counter", text)
        assert family.unit == ("bytes" if name.startswith("bytes_") else None)
    assert families["httpdyno_active"].type == "gauge"


def test_metrics_are_the_counters_of_stats(serve: Callable[..., Server], either: str) -> None:
    server = serve(either)
    client = server.connect()
    client.send(request("/bytes/1000") * 7)
    for _ in range(7):
        client.read()
    families = parse(client.get("/metrics").body)
    assert families["httpdyno_requests"].value == 8
    assert families["httpdyno_accepted"].value == families["httpdyno_active"].value == 1
    sent = families["httpdyno_sent_bytes"].value
    assert sent is not None and sent > 7000
    assert parse(client.get("/metrics").body)["httpdyno_requests"].value == 9
    stats = server.stats()
    assert stats["requests"] == 10 and stats["accepted"] == 2


def test_head_of_metrics(site: Server) -> None:
    with Client(site.port) as client:
        response = client.ask(request("/metrics", method="HEAD"), method="HEAD")
        assert response.field("Content-Type") == CONTENT_TYPE and response.body == b""


def test_the_reader_takes_what_is_right() -> None:
    families = parse(GOOD.encode())
    assert [(family.type, family.unit, family.value) for family in families.values()] == [
        ("counter", None, 1), ("gauge", "bytes", 0)]


@pytest.mark.parametrize("right, wrong", [
    ("# EOF\n", ""), ("# EOF\n", "# EOF"), ("# EOF\n", "# EOF\n\n"), ("# EOF\n", "\n# EOF\n"), ("1\n", "1\r\n"),
    ("a_total 1", "a 1"), ("a_total 1", "a_total"), ("a_total 1", "a_total  1"), ("a_total 1", "a_total 1 "),
    ("a_total 1", "a_total -1"), ("a_total 1", "a_total 01"), ("a_total 1", "a_total NaN"), ("a_total 1", "a_total 1 1700000000"),
    ("a_total 1\n", ""), ("a_total 1\n", "a_total 1\na_total 2\n"), ("a_total 1\n", "a_total 1\n# HELP a again\n"),
    ("b_bytes 0", "b_bytes_total 0"), ("# UNIT b_bytes bytes", "# UNIT b_bytes octets"), ("# UNIT b_bytes bytes", "# UNIT b_bytes"),
    ("# TYPE a counter\n", ""), ("# TYPE a counter\n", "# TYPE a counter\n# TYPE a counter\n"), ("counter", "count"),
    ("# TYPE b_bytes gauge", "# TYPE a gauge"), ("# HELP a text", "# HELP a"), ("# HELP a text", "# HELP a te\"xt"),
    ("# HELP a text", "# HELP a te\\xt"), ("# HELP a text", "#HELP a text"), ("# HELP a text", "# comment"),
    ("# TYPE a counter\n# HELP a text\na_total 1", "# TYPE a_total counter\na_total_total 1"), ("b_bytes", "b-bytes"),
    ("a_total 1\n", "a_total{} 1\n"), ("a_total 1\n", "a_total 1 # {} 1\n"),
])
def test_the_reader_refuses_what_is_wrong(right: str, wrong: str) -> None:
    assert right in GOOD
    with pytest.raises(Malformed):
        parse(GOOD.replace(right, wrong).encode())
