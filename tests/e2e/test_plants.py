"""Each plant does what it says, counted: what the gate is tried on must be there, and nothing else must."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from processes import Server, run_program
from programs import BIN_DIR, INLINE, POOL, ROOT, sanitized
from test_system_calls import Trace, named
from wire import EOF, Client, Response, request

sys.path.insert(0, str(ROOT / "scripts"))

from httpdyno_bench.allocations import environment, read_counts  # noqa: E402

pytestmark = pytest.mark.skipif("sanitized()", reason="the programs with plants are not built with sanitizers")
assert callable(sanitized)

PLANTED = {INLINE: f"{INLINE}-plants", POOL: f"{POOL}-plants"}
EITHER = list(PLANTED.values())
LIBRARY = BIN_DIR.parent / "lib" / "libcount_allocations.so"
PLAINTEXT = request("/plaintext")
# No processor does more of them in a second: a loop of so many iterations lasts at least as long as this says.
FASTEST_HERTZ = 8e9


def answers(server: Server, count: int, depth: int = 50) -> list[Response]:
    """Of so many requests on one connection, pipelined, but not more at once than are served in a turn."""
    client = server.connect()
    found = []
    for _ in range(count // depth):
        client.send(PLAINTEXT * depth)
        found += [client.read() for _ in range(depth)]
    return found


def cpu_seconds_of(server: Server, count: int, depth: int = 1) -> float:
    before = server.cpu_seconds()
    answers(server, count, depth)
    return server.cpu_seconds() - before


# --- the flag


@pytest.mark.parametrize("row", EITHER)
def test_a_program_with_plants_says_that_it_is_one(row: str) -> None:
    """Nobody may take it for the row that is measured."""
    assert f'"row":"{row}"' in run_program(row, "--identity").stdout
    shown = run_program(row, "--help").stdout
    assert all(re.search(rf"^ +{name}\b", shown, re.MULTILINE) for name in ("spin", "stall", "close-early"))


@pytest.mark.parametrize("row", PLANTED)
def test_the_measured_programs_have_no_such_flag(row: str) -> None:
    result = run_program(row, "--plant", "malloc")
    assert result.returncode == 2 and "--plant" in result.stderr
    assert "--plant" not in run_program(row, "--help").stdout
    assert b"split-send" not in (BIN_DIR / row).read_bytes()


@pytest.mark.parametrize("flags, about", [
    (["--plant"], "needs a NAME"), (["--plant="], "''"), (["--plant", "weeds"], "weeds"), (["--plant=Spin:1"], "Spin"),
    (["--plant", "spin"], "iterations"), (["--plant", "spin:"], "iterations"), (["--plant", "spin:-1"], "iterations"),
    (["--plant", "spin:x%"], "share"), (["--plant", "spin:nan%"], "share"), (["--plant", "spin:0%"], "share"),
    (["--plant", "spin:1,2"], "'2' is too much"), (["--plant", "syscall:2"], "too much"),
    (["--plant", "stall"], "share"), (["--plant", "stall:0.2%"], "time"), (["--plant", "stall:0.2,5ms"], "share"),
    (["--plant", "stall:101%,5ms"], "share"), (["--plant", "stall:1%,5"], "time"), (["--plant", "stall:1%,5h"], "time"),
    (["--plant", "stall:1%,11s"], "time"), (["--plant", "stall:1%,5ms,x"], "seed"), (["--plant", "leak:0"], "bytes"),
    (["--plant", "pollute:4,2000"], "MiB"), (["--plant", "truncate:0%"], "share"), (["--plant", "convoy"], "workers"),
    (["--plant", "malloc", "--plant", "weeds"], "weeds"), (["--plant", "malloc", "--nope"], "--nope"),
])
def test_bad_plant(flags: list[str], about: str) -> None:
    row = PLANTED[INLINE]
    result = run_program(row, "--port", "0", *flags)
    assert (result.returncode, result.stdout) == (2, "")
    assert re.fullmatch(rf"{row}: [^\n]+\n", result.stderr) and about in result.stderr, result.stderr


# --- what each does


@pytest.mark.parametrize("row", PLANTED)
def test_without_a_plant_it_is_the_program_that_is_measured(serve: Callable[..., Server], tmp_path: Path, row: str) -> None:
    """The same octets, by the same calls to the kernel."""
    seen = []
    for which in (row, PLANTED[row]):
        (folder := tmp_path / which).mkdir()
        trace = Trace(serve, folder, which)
        client = trace.server.connect()
        octets = [client.get("/plaintext").masked for _ in range(20)]
        calls = trace.calls()
        seen.append((octets, [len(named(calls, name)) for name in ("sendto", "setsockopt", "getppid", "sched_yield")]))
    assert seen[0] == seen[1]


def test_spin_takes_the_time_of_its_iterations(serve: Callable[..., Server]) -> None:
    iterations = 5_000_000
    server = serve(PLANTED[INLINE], "--plant", f"spin:{iterations}")
    assert cpu_seconds_of(server, 20) >= 20 * iterations / FASTEST_HERTZ


def test_spin_by_share_grows_with_what_a_request_takes(serve: Callable[..., Server]) -> None:
    """Ten times as much in all; found out over the first requests, and half of it is beyond every noise."""
    without, with_it = serve(PLANTED[INLINE]), serve(PLANTED[INLINE], "--plant", "spin:900%")
    for server in (without, with_it):
        answers(server, 10_000, 20)
    assert cpu_seconds_of(with_it, 4000, 20) > 4 * cpu_seconds_of(without, 4000, 20)


@pytest.mark.parametrize("row, plant, call, each", [
    (PLANTED[INLINE], "syscall", "getppid", 1), (PLANTED[POOL], "syscall", "getppid", 1),
    (PLANTED[INLINE], "split-send", "sendto", 2), (PLANTED[POOL], "split-send", "sendto", 2),
    (PLANTED[POOL], "convoy", "sched_yield", 1), (PLANTED[INLINE], "stall:5%,1ms", "clock_nanosleep", 0.05),
])
def test_calls_to_the_kernel(
    serve: Callable[..., Server], tmp_path: Path, row: str, plant: str, call: str, each: float
) -> None:
    trace = Trace(serve, tmp_path, row, "--plant", plant)
    requests = 200
    assert {answer.body for answer in answers(trace.server, requests, 1)} == {b"Hello, World!"}
    assert len(named(trace.calls(), call)) == requests * each


def test_no_nodelay_leaves_nagle_on(serve: Callable[..., Server], tmp_path: Path) -> None:
    trace = Trace(serve, tmp_path, PLANTED[INLINE], "--plant", "no-nodelay")
    trace.server.get("/plaintext")
    options = named(trace.calls(), "setsockopt")
    assert options and not any("TCP_NODELAY" in call for call in options)


@pytest.mark.parametrize("plant, malloc, free", [("malloc", 1, 1), ("leak", 1, 0)])
@pytest.mark.parametrize("row", EITHER)
def test_allocations(
    serve: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: str, plant: str, malloc: int, free: int
) -> None:
    file = tmp_path / "counts"
    with monkeypatch.context() as patch:
        for name, value in environment(LIBRARY, file).items():
            patch.setenv(name, value)
        server = serve(row, "--plant", plant)
    client = server.connect()
    counts = []
    for _ in range(2):
        for _ in range(200):
            client.ask(PLAINTEXT)
        counts.append(read_counts(file))
    more = {name: counts[1][name] - counts[0][name] for name in counts[0]}
    assert more.pop("bytes") >= 200
    assert more == {"malloc": 200 * malloc, "calloc": 0, "realloc": 0, "aligned_alloc": 0, "free": 200 * free}


def test_leak_makes_memory_grow(serve: Callable[..., Server]) -> None:
    server = serve(PLANTED[INLINE], "--plant", "leak:4000")
    answers(server, 500)
    before = server.rss()
    answers(server, 5000)
    assert 5000 * 4000 <= server.rss() - before <= 5000 * 4000 * 1.2


def test_pollute_walks_through_its_memory(serve: Callable[..., Server]) -> None:
    """No step can be done before the one before it has read: none is faster than the nearest cache."""
    server = serve(PLANTED[INLINE], "--plant", "pollute:200000,32")
    assert server.rss() > 32 << 20
    assert cpu_seconds_of(server, 5) >= 5 * 200_000 * 3 / FASTEST_HERTZ


def test_stalls_come_at_places_that_the_seed_draws(serve: Callable[..., Server]) -> None:
    def slow_ones(seed: int) -> list[int]:
        client = serve(PLANTED[INLINE], "--plant", f"stall:10%,100ms,{seed}").connect()
        found = []
        for number in range(30):
            begin = time.monotonic()
            client.ask(PLAINTEXT)
            if time.monotonic() - begin >= 0.1:
                found.append(number)
        return found

    # A machine that stands still for so long may add some.
    first, again, other = slow_ones(1), slow_ones(1), slow_ones(3)
    assert len({number // 10 for number in first}) == 3
    assert len(set(first) & set(again)) >= 3 and set(first) & set(again) != set(other)


def test_convoy_lets_one_handler_run_at_a_time(serve: Callable[..., Server]) -> None:
    server = serve(PLANTED[POOL], "--plant", "convoy", "--thread-pool-count", "4")
    begin = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        bodies = list(pool.map(lambda _: server.get("/sleep/60").body, range(4)))
    assert bodies == [b"slept\n"] * 4
    assert time.monotonic() - begin >= 4 * 0.06


# --- the cheats


@pytest.mark.parametrize("row", EITHER)
def test_truncate_takes_half_of_exactly_so_many_bodies(serve: Callable[..., Server], row: str) -> None:
    bodies = [answer.body for answer in answers(serve(row, "--plant", "truncate:2%"), 1000)]
    assert bodies.count(b"Hello,") == 20 and bodies.count(b"Hello, World!") == 980


@pytest.mark.parametrize("row", EITHER)
def test_status500_is_that_of_exactly_so_many_answers(serve: Callable[..., Server], row: str) -> None:
    statuses = [answer.status for answer in answers(serve(row, "--plant=status500"), 2000)]
    assert statuses.count(500) == 2 and statuses.count(200) == 1998


@pytest.mark.parametrize("row", EITHER)
def test_close_early_ends_exactly_so_many_connections_within_an_answer(serve: Callable[..., Server], row: str) -> None:
    server = serve(row, "--plant", "close-early:10%")
    whole = Client(serve(row).port)
    size = len(whole.get("/plaintext").raw)
    whole.close()
    cut = 0
    for _ in range(100):
        with Client(server.port) as client:
            client.send(request("/plaintext", "Connection: close"))
            octets = client.read_to_end()
            assert client.ended == EOF
            if len(octets) < size - len("keep-alive") + len("close"):
                assert len(octets) == (size - len("keep-alive") + len("close")) // 2
                cut += 1
    assert cut == 10


def test_plants_grow_beside_each_other(serve: Callable[..., Server], tmp_path: Path) -> None:
    trace = Trace(serve, tmp_path, PLANTED[INLINE], "--plant", "syscall", "--plant", "split-send", "--plant", "truncate:50%")
    bodies = [answer.body for answer in answers(trace.server, 40, 1)]
    calls = trace.calls()
    assert bodies.count(b"Hello,") == 20
    assert (len(named(calls, "getppid")), len(named(calls, "sendto"))) == (40, 80)
