"""scripts/counts.py: callgrind's files, what is judged how, budgets, and the client that asks in lock-step."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import conftest  # noqa: F401  (the scripts are importable)
import pytest
from httpdyno_bench.errors import RunError, UsageError
from httpdyno_bench.tables import load_workloads, select
from httpdyno_counts import budgets
from httpdyno_counts.callgrind import read_profile
from httpdyno_counts.cli import WORKLOADS
from httpdyno_counts.counting import Counts, Instructions
from httpdyno_counts.exchange import Client, Exchange, exchange_of
from httpdyno_counts.judging import CountResult, State, budget_of, check, compare, judge
from httpdyno_counts.texts import short_name

SCENARIOS = conftest.ROOT / "bench" / "scenarios.json"

# Two objects, names that are compressed, a call, relative and repeated positions, a function that is met twice, one without
# a symbol, a jump.
PROFILE = """\
# callgrind format
version: 1
creator: callgrind-3.19.0
positions: line
events: Ir
summary: 1000

ob=(1) /somewhere/bin/inline-system
fl=(1) ???
fn=(1) serve(int)
0 100
+3 50
cob=(2) /lib/libc.so.6
cfn=(2) memcpy
calls=7 0
* 300
fn=(3) render
-2 25
jump=4 10
jcnd=2/4 12
0 25

ob=(2)
fn=(2)
0 300
fn=(4) 0x00000000000a1b2c
0 400

ob=(1)
fn=(1)
0 100
totals: 1000
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "callgrind.out"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_profile_is_read_by_function(tmp_path: Path) -> None:
    profile = read_profile(written(tmp_path, PROFILE), "inline-system")
    assert profile.instructions == 1000
    assert profile.functions == {"serve(int)": 250, "render": 50, "memcpy [libc.so.6]": 300, "? [libc.so.6]": 400}


@pytest.mark.parametrize("old, new", [
    ("summary: 1000\n", ""),  # cut off: what is left has no sum
    ("0 400\n", "0 401\n"),
    ("0 400\n", "0 many\n"),
    ("events: Ir", "events: Dr"),
    ("fn=(3) render", "fn=(9)"),
])
def test_a_damaged_profile_is_no_count(tmp_path: Path, old: str, new: str) -> None:
    text = PROFILE.replace("totals: 1000\n", "") if "summary" in old else PROFILE
    with pytest.raises(RunError, match="none of callgrind's files"):
        read_profile(written(tmp_path, text.replace(old, new)), "inline-system")


def test_no_profile_is_no_count(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no counts"):
        read_profile(tmp_path / "callgrind.out", "inline-system")


# --- what is judged how ---

EXACT = {"allocations": 3.0, "allocated_bytes": 96.0, "calls.epoll_wait": 1.0, "calls.recvfrom": 1.0, "calls.sendto": 1.0}


def counts(instructions: tuple[float, ...] = (5000.0, 5000.0), functions: dict[str, float] | None = None, pooled: bool = False,
           without: str = "", **exact: float) -> Counts:
    """Keywords are counts; a call is calls__sendto."""
    changed = {name.replace("__", "."): count for name, count in exact.items()}
    return Counts("inline-system", "json", Instructions(instructions, functions or {"serve": min(instructions)}),
                  {name: count for name, count in {**EXACT, **changed}.items() if name != without},
                  frozenset({"calls.futex"}) if pooled else frozenset())


def states(results: list[CountResult]) -> dict[str, State]:
    return {result.count: result.state for result in results}


def not_same(results: list[CountResult]) -> dict[str, State]:
    return {count: state for count, state in states(results).items() if state is not State.SAME}


def test_the_same_is_the_same() -> None:
    results = compare(counts(), counts())
    assert set(states(results)) == {"instructions", *EXACT}
    assert not_same(results) == {} and not any(result.red for result in results)


@pytest.mark.parametrize("share, state", [
    (0.0024, State.SAME), (0.0026, State.WORSE), (0.005, State.WORSE), (-0.0024, State.SAME), (-0.0026, State.BETTER)])
def test_instructions_have_a_limit(share: float, state: State) -> None:
    (result,) = [each for each in compare(counts(), counts((5000.0 * (1 + share),) * 2)) if each.count == "instructions"]
    assert result.state is state and result.red == (state is State.WORSE)
    assert result.ratio == pytest.approx(1 + share)


def test_the_functions_that_grew_are_named() -> None:
    base = counts((5000.0, 5000.0), {"serve": 4000.0, "parse": 900.0, "gone": 100.0})
    head = counts((5150.0, 5150.0), {"serve": 4000.0, "parse": 1100.0, "new": 50.0})
    (result,) = [each for each in compare(base, head) if each.count == "instructions"]
    assert [(change.name, change.more) for change in result.functions] == [("parse", 200.0), ("gone", -100.0), ("new", 50.0)]


@pytest.mark.parametrize("name, short", [
    ("main", "main"),
    ("httpdyno::Loop<httpdyno::io::EpollIo, std::vector<int, std::allocator<int> > >::turn(std::span<char, 4ul>)",
     "httpdyno::Loop<>::turn(std::span<>)"),
    ("bool operator< <char>(std::pair<int, int> const&)", "bool operator< <>(std::pair<> const&)"),
    ("A<int>::operator->() const", "A<>::operator->() const"),
    ("auto f<int>(int) -> B<char> [libfoo.so]", "auto f<>(int) -> B<> [libfoo.so]"),
    ("(anonymous namespace)::json(Workloads&)", "(anonymous namespace)::json(Workloads&)"),
    ("f" * 121, "f" * 120 + "..."),
])
def test_names_of_functions_are_shortened(name: str, short: str) -> None:
    assert short_name(name) == short


def test_repeats_that_disagree_are_not_judged() -> None:
    """Worse by far, but who knows: in a pool that is said, elsewhere it is no pass."""
    unsteady = (6000.0, 6004.0)
    (inline,) = [each for each in compare(counts(), counts(unsteady)) if each.count == "instructions"]
    assert inline.state is State.UNSTEADY and "0.07%" in inline.note
    (pool,) = [each for each in compare(counts(pooled=True), counts(unsteady, pooled=True)) if each.count == "instructions"]
    assert pool.state is State.DEMOTED and not pool.red and "not judged" in pool.note
    (almost,) = [each for each in compare(counts(), counts((6000.0, 6002.0))) if each.count == "instructions"]
    assert almost.state is State.WORSE
    (base,) = [each for each in compare(counts((5000.0, 5010.0)), counts()) if each.count == "instructions"]
    assert base.state is State.UNSTEADY


def test_a_pool_has_a_wider_limit() -> None:
    def judged(share: float) -> State:
        return states(compare(counts(pooled=True), counts((5000.0 * (1 + share),) * 2, pooled=True)))["instructions"]

    assert (judged(0.02), judged(0.026)) == (State.SAME, State.WORSE)


def test_one_allocation_or_call_more_is_seen() -> None:
    assert not_same(compare(counts(), counts(allocations=4.0, allocated_bytes=97.0))) == {
        "allocations": State.WORSE, "allocated_bytes": State.WORSE}
    assert not_same(compare(counts(), counts(calls__getppid=1.0))) == {"calls.getppid": State.WORSE}
    # One of a batch of sixteen.
    assert not_same(compare(counts(), counts(calls__sendto=1.0625))) == {"calls.sendto": State.WORSE}
    assert not_same(compare(counts(), counts(without="calls.sendto"))) == {"calls.sendto": State.BETTER}


def test_a_budget_holds_both_ways() -> None:
    budget = budget_of(counts())
    assert not_same(check(counts(), budget)) == {}
    (more,) = [each for each in check(counts(allocations=4.0), budget) if each.state is not State.SAME]
    assert more.state is State.WORSE and more.red
    (fewer,) = [each for each in check(counts(allocations=2.0), budget) if each.state is not State.SAME]
    assert fewer.state is State.STALE and fewer.red and "--accept" in fewer.note


def test_calls_of_a_pool_that_the_scheduler_decides_on_are_not_judged() -> None:
    budget = budget_of(counts(calls__futex=1.4, pooled=True))
    assert "calls.futex" not in budget
    results = check(counts(calls__futex=2.1, calls__read=1.0, pooled=True), budget)
    assert not_same(results) == {"calls.futex": State.DEMOTED, "calls.read": State.WORSE}


def test_a_budget_that_was_raised_on_purpose_is_no_loss_against_the_base() -> None:
    head = counts(allocations=4.0)
    assert not_same(judge(head, counts(), budget_of(head))) == {}
    assert not_same(judge(head, counts(), None)) == {"allocations": State.WORSE}
    assert not_same(judge(counts((5100.0,) * 2), counts(), budget_of(counts()))) == {"instructions": State.WORSE}


# --- budgets ---

def test_budgets_are_written_the_same_each_time(tmp_path: Path) -> None:
    file = tmp_path / "budgets.json"
    held = {("pool-system", "json"): {"calls.sendto": 1.0, "allocations": 27.0, "allocated_bytes": 1234.0},
            ("inline-system", "pipelined-16"): {"allocations": 0.0, "calls.sendto": 0.0625}}
    budgets.save(file, held)
    first = file.read_text(encoding="utf-8")
    assert budgets.load(file) == held
    budgets.save(file, dict(reversed(held.items())))
    assert file.read_text(encoding="utf-8") == first
    assert first.index("inline-system") < first.index('"pool-system"') and '"allocations": 27,' in first
    assert [path.name for path in tmp_path.iterdir()] == ["budgets.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"budgets": {"a": {"b": []}}}', '{"budgets": {"a": 1}}',
                                  '{"budgets": {"a": {"b": {"allocations": -1}}}}',
                                  '{"budgets": {"a": {"b": {"allocations": NaN}}}}'])
def test_damaged_budgets_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "budgets.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="budgets.json is no table of budgets"):
        budgets.load(file)


# --- the client ---

ANSWER = b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 2\r\n\r\nOK"
LATER = ANSWER.replace(b"37 GMT", b"38 GMT")
EXCHANGE = Exchange("three", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 3)


@pytest.fixture
def answering() -> Iterator[Callable[[list[bytes]], int]]:
    """answering(batches) is the port of a server that answers one batch after the other so, and then closes."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads = []

    def serve(answers: list[bytes]) -> None:
        client, _ = listener.accept()
        with client:
            for answer in answers:
                batch = b""
                while len(batch) < len(EXCHANGE.request) * EXCHANGE.depth:
                    batch += client.recv(65536)
                assert batch == EXCHANGE.request * EXCHANGE.depth
                client.sendall(answer)

    def start(answers: list[bytes]) -> int:
        threads.append(threading.Thread(target=serve, args=(answers,), daemon=True))
        threads[-1].start()
        return int(listener.getsockname()[1])

    yield start
    for thread in threads:
        thread.join(timeout=10)
    listener.close()


def test_answers_are_those_of_the_first_but_for_the_date(answering: Callable[[list[bytes]], int]) -> None:
    with Client(answering([ANSWER * 3, ANSWER + LATER * 2]), EXCHANGE) as client:
        assert client.ask(2) == 6
        client.finish()


def test_octets_behind_the_last_answer_are_seen(answering: Callable[[list[bytes]], int]) -> None:
    with Client(answering([ANSWER * 3 + b"x"]), EXCHANGE) as client, pytest.raises(RunError, match="more octets"):
        client.ask(1)
        client.finish()


@pytest.mark.parametrize("answers, what", [
    ([b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\nOK"], "500"),
    ([b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nOK"], "Content-Length"),
    ([ANSWER * 3, ANSWER * 2 + ANSWER.replace(b"\nOK", b"\nNO")], "differs"),
    ([ANSWER * 3, ANSWER * 2 + ANSWER.replace(b"200", b"404")], "differs"),
    ([ANSWER * 3, ANSWER * 3 + b"HTTP"], "more octets"),
    ([ANSWER * 3, ANSWER * 2], "closed"),
    ([ANSWER * 3, ANSWER * 3], "closed|no answer"),  # a reset, where requests were on their way
])
def test_another_answer_is_no_count(answering: Callable[[list[bytes]], int], answers: list[bytes], what: str) -> None:
    with Client(answering(answers), EXCHANGE) as client, pytest.raises(RunError, match=what):
        client.ask(3)


def test_workloads_become_requests() -> None:
    workloads = {workload.name: workload for workload in load_workloads(SCENARIOS)}
    got = {name: exchange_of(workloads[name]) for name in WORKLOADS.split(",")}
    assert got["pipelined-16"].depth == 16 and got["keepalive-get"].depth == 1
    assert got["keepalive-get"].request == b"GET /plaintext HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert got["post-echo-4k"].request.startswith(b"POST /echo HTTP/1.1\r\n")
    assert b"Content-Length: 4096\r\n\r\n" + b"x" * 4096 in got["post-echo-4k"].request
    for name in ("connection-per-request", "mixed"):
        with pytest.raises(UsageError, match=name):
            exchange_of(workloads[name])


def test_every_cell_has_its_budget() -> None:
    table = json.loads((conftest.ROOT / "bench" / "budgets.json").read_text(encoding="utf-8"))["budgets"]
    names = [workload.name for workload in select(load_workloads(SCENARIOS), WORKLOADS, "workload")]
    assert {row: sorted(of) for row, of in table.items()} == {row: sorted(names) for row in ("inline-system", "pool-system")}
