"""Clients that close, half-close or reset at a random moment: while their request waits for a worker, is with one, or is
being answered. Next to them, and right behind them in the place that they leave, are clients that stay: they must get exactly
their own answers. Every answer has content that no other has.

A run is one client that leaves, or stays as a control, and a second one after it that asks something of its own. What a run does
follows from the seed and its number; what happens then is the machine's.
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import select
import socket
import time
from collections.abc import Iterator

from httpdyno_bench.errors import RunError
from httpdyno_bench.servers import Server
from httpdyno_robustness.conversation import Conversation, Question, WrongAnswer, echo, get
from httpdyno_robustness.program import running

NAME = "close-during-handling"
HELP = "clients that leave while a worker has their request"
_QUIET_SECONDS = 30.0
# A failure is a matter of what others do meanwhile: as many runs before it are repeated with it.
_RUNS_BEFORE = 500
_NEVER = float("inf")
_MANNERS = ("close", "close", "close", "reset", "reset", "reset", "half-close", "half-close", "stay", "stay")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(row="pool-system")
    parser.add_argument("--runs", type=int, default=10_000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="number of the first of them")
    parser.add_argument("--seed", type=int, default=1, help="of what they do")
    parser.add_argument("--workers", type=int, default=4, help="of the pool")
    parser.add_argument("--backlog", type=int, default=5, help="requests that may wait, for each worker")
    parser.add_argument("--handler-ms", type=int, default=6, help="after which a request is answered 504")
    parser.add_argument("--rate", type=float, default=500.0, help="runs that begin in a second, for each worker")


class Run:
    """One client, then one more."""

    def __init__(self, port: int, seed: int, number: int) -> None:
        self.number = number
        self._port = port
        self._random = random.Random(f"{seed}/{number}")
        self.manner = self._random.choice(_MANNERS)
        self._questions = [self._question(part) for part in range(self._random.randrange(1, 5))]
        self.sent = len(self._questions)
        self.heard = collections.Counter[int]()  # answers by their status
        self.successor = False
        self.talk = Conversation(port, self._questions)
        delay = self._random.choice([0.0, 0.002, 0.02]) * self._random.random()
        self.leave_at = _NEVER if self.manner == "stay" else time.monotonic() + delay

    def _question(self, part: int) -> Question:
        chance = self._random.random()
        if chance < 0.25:
            return get(f"/sleep/{self._random.randrange(4)}", b"slept\n")
        if chance < 0.35:
            size = self._random.randrange(400_000)
            return get(f"/bytes/{size}", b"x" * size)
        most = 60_000 if chance > 0.95 else 3000
        return echo(b"run %d, part %d;" % (self.number, part) * self._random.randrange(1, most // 16))

    def on_event(self) -> bool:
        """Reads; False when the run is over."""
        if self.talk.unsent:
            self.talk.send()
        goes_on = self.talk.receive()
        # Half-closers and those who were given up wait for the server to end the connection.
        waits_for_end = self.manner == "half-close" and not self.successor or self.talk.given_up
        return self._go_on() if not goes_on or (self.talk.finished and not waits_for_end) else True

    def on_time(self) -> bool:
        """The moment to leave; False when the run is over."""
        if self.manner != "half-close":
            return self._go_on(self.manner == "reset")
        if self.talk.unsent:
            self.leave_at += 0.001
        else:
            self.leave_at = _NEVER
            self.talk.end_our_side()
        return True

    def _go_on(self, reset: bool = False) -> bool:
        """The connection's end, by whomever. The next client takes its place."""
        self.heard[200] += self.talk.answered
        self.heard[self.talk.given_up] += 1
        self.talk.reset() if reset else self.talk.close()
        self.leave_at = _NEVER
        if self.successor:
            return False
        self.successor = True
        self.sent += 1
        self.talk = Conversation(self._port, [echo(b"successor of run %d" % self.number)])
        return True


def _counters(server: Server) -> dict[str, int]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=_QUIET_SECONDS) as asker:
        asker.sendall(b"GET /stats HTTP/1.1\r\nHost: trial\r\nConnection: close\r\n\r\n")
        octets = b"".join(iter(lambda: asker.recv(65_536), b""))
    return dict(json.loads(octets.partition(b"\r\n\r\n")[2])) if octets.startswith(b"HTTP/1.1 200 ") else {}


def _talk(server: Server, numbers: Iterator[int], arguments: argparse.Namespace) -> Iterator[Run]:
    """The runs, each when it is over. They begin at even intervals, however many are under way."""
    poll = select.poll()
    under_way: dict[int, Run] = {}

    def watch(run: Run) -> None:
        under_way[run.talk.fileno()] = run
        poll.register(run.talk, select.POLLIN | (select.POLLOUT if run.talk.unsent else 0))

    interval = 1 / (arguments.rate * arguments.workers)
    begin_at = time.monotonic()
    while True:
        if begin_at <= time.monotonic():
            number = next(numbers, None)
            begin_at = _NEVER if number is None else begin_at + interval
            if number is not None:
                watch(Run(server.port, arguments.seed, number))
        if not under_way and begin_at == _NEVER:
            return
        soonest = min([begin_at, *(run.leave_at for run in under_way.values())])
        wait = min(max(0.0, soonest - time.monotonic()), _QUIET_SECONDS)
        ready = [descriptor for descriptor, _ in poll.poll(wait * 1000)]
        now = time.monotonic()
        ready += [descriptor for descriptor, run in under_way.items() if run.leave_at <= now]
        if not ready and wait >= _QUIET_SECONDS:
            run = next(iter(under_way.values()))
            raise WrongAnswer(f"run {run.number} ({run.manner}): an answer that does not come")
        for descriptor in dict.fromkeys(ready):
            run = under_way.pop(descriptor)
            poll.unregister(descriptor)
            try:
                goes_on = run.on_time() if run.leave_at <= now else run.on_event()
            except WrongAnswer as error:
                who = "its successor" if run.successor else run.manner
                raise WrongAnswer(f"run {run.number} ({who}): {error}") from None
            if goes_on:
                watch(run)
            else:
                yield run


def _check_books(server: Server, sent: int, heard: collections.Counter[int]) -> dict[str, int]:
    """Once it is quiet: nobody is left, and every request is accounted for."""
    end = time.monotonic() + _QUIET_SECONDS
    asked = 0
    while True:
        counters = _counters(server)
        asked += 1
        # The job of each 504 comes back; so does that of a connection that broke while earlier answers were on their way.
        late = counters.get("stale_dropped", 0) + counters.get("not_begun", 0)
        if counters and counters["active"] == 1 and late >= counters["timeouts_handler"]:
            break
        if time.monotonic() > end:
            raise WrongAnswer(f"connections or late workers are left: {counters}")
        time.sleep(0.01)
    wrong = [
        what for what, holds in {
            "accepted = closed + active": counters["accepted"] == counters["closed"] + counters["active"],
            "requests: at least those answered, at most those sent":
                heard[200] + heard[503] + heard[504] + 1 <= counters["requests"] <= sent + asked,
            "shed: at least those told so": counters["shed"] >= heard[503],
            "timeouts_handler: at least those told so": counters["timeouts_handler"] >= heard[504],
            "refused = 0": counters["refused"] == 0,
            "handler_exceptions = 0": counters["handler_exceptions"] == 0,
        }.items() if not holds
    ]
    if wrong:
        raise WrongAnswer(f"the books do not balance: {'; '.join(wrong)}; sent {sent}, heard {dict(heard)}, {counters}")
    return counters


def run(arguments: argparse.Namespace) -> int:
    if not arguments.row.startswith("pool-"):
        raise RunError(f"{arguments.row} has no workers: its handlers are never interrupted")
    flags = [
        "--loops", str(arguments.loops), "--thread-pool-count", str(arguments.workers),
        "--thread-pool-backlog", str(arguments.backlog * arguments.workers), "--timeout-handler-ms", str(arguments.handler_ms),
    ]
    sent = done = 0
    heard = collections.Counter[int]()
    manners = collections.Counter[str]()
    begin = time.monotonic()
    with running(arguments.bin_dir / arguments.row, flags) as server:
        try:
            numbers = iter(range(arguments.first, arguments.first + arguments.runs))
            for over in _talk(server, numbers, arguments):
                done += 1
                sent += over.sent
                heard += over.heard
                manners[over.manner] += 1
            counters = _check_books(server, sent, heard)
            end = server.stop()
            if end["active"] != 0 or end["accepted"] != end["closed"]:
                raise WrongAnswer(f"connections are left at the end: {end}")
        except WrongAnswer as error:
            first = max(arguments.first, arguments.first + done - _RUNS_BEFORE)
            print(f"{arguments.row}: after {done} runs: {error}\n"
                  f"to repeat it: scripts/robustness.py {NAME} --row {arguments.row} --loops {arguments.loops} "
                  f"--workers {arguments.workers} --backlog {arguments.backlog} --handler-ms {arguments.handler_ms} "
                  f"--rate {arguments.rate:g} --seed {arguments.seed} --first {first} --runs {2 * _RUNS_BEFORE}")
            return 1
    left = ", ".join(f"{manners[manner]} {manner}" for manner in dict.fromkeys(_MANNERS))
    print(
        f"{arguments.row}, {arguments.loops} loops, {arguments.workers} workers, seed {arguments.seed}: {done} runs in "
        f"{time.monotonic() - begin:.1f} s ({left}), {sent} requests sent, {heard[200]} answered, {heard[503]} told 503, "
        f"{heard[504]} told 504; no answer wrong, lost or doubled\n"
        f"the server: {', '.join(f'{name} {value}' for name, value in counters.items() if value)}"
    )
    return 0
