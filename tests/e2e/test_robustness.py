"""scripts/robustness.py, in short: SIGTERM under load, more clients than descriptors, clients that leave."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from programs import BIN_DIR, INLINE, POOL, ROOT, program, sanitized

sys.path.insert(0, str(ROOT / "scripts"))
from httpdyno_bench.errors import RunError  # noqa: E402
from httpdyno_robustness.conversation import Conversation, WrongAnswer, echo, get  # noqa: E402
from httpdyno_robustness.program import running  # noqa: E402
from httpdyno_robustness.responses import Responses  # noqa: E402

ONE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"


def trials(*arguments: str) -> str:
    done = subprocess.run(
        [ROOT / "scripts" / "robustness.py", *arguments, "--bin-dir", BIN_DIR],
        capture_output=True, text=True, timeout=300, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("row, loops", [(INLINE, "1"), (INLINE, "2"), (POOL, "1"), (POOL, "2")])
def test_stop_truncates_nothing(row: str, loops: str) -> None:
    assert program(row)
    # What a busy machine makes late must not be cut.
    said = trials("stop", "--row", row, "--loops", loops, "--trials", "3", "--drain-seconds", "30")
    found = re.search(r" (\d+) whole responses, 0 truncated", said)
    assert found and int(found[1]) > 3 * 64, said


@pytest.mark.parametrize("row", [INLINE, POOL])
def test_without_descriptors_it_neither_spins_nor_forgets(row: str) -> None:
    percent = "5" if not sanitized() else "50"
    said = trials("descriptors", "--row", row, "--seconds", "1", "--cpu-percent-max", percent)
    assert ", 200 served, " in said


@pytest.mark.parametrize("workers", ["1", "4"])
def test_clients_that_leave_take_nobodys_answer(workers: str) -> None:
    rate = "500" if not sanitized() else "150"
    said = trials("close-during-handling", "--workers", workers, "--runs", "300", "--rate", rate)
    assert " 300 runs in " in said and "no answer wrong, lost or doubled" in said


QUESTIONS = [echo(b"mine"), get("/bytes/3", b"xxx")]
FIRST = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: keep-alive\r\n\r\nmine"
SECOND = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nxxx"
LATE = b"HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 2\r\nConnection: close\r\n\r\n.."


@pytest.mark.parametrize("octets, wrong", [
    (FIRST + SECOND, None),
    (FIRST + LATE, None),
    (LATE, None),
    (FIRST, "before all was answered"),
    (FIRST + SECOND[:-1], "before all was answered"),
    (FIRST + FIRST, "the wrong answer"),
    (SECOND + FIRST, "the wrong answer"),
    (FIRST.replace(b"mine", b"hers") + SECOND, "the wrong answer"),
    (FIRST + SECOND + SECOND, "nobody asked for"),
    (LATE + FIRST, "nobody asked for"),
    (FIRST.replace(b"200", b"500"), "the wrong answer"),
    (LATE.replace(b"close", b"keep-alive"), "the wrong answer"),
])
def test_a_wrong_answer_is_seen(octets: bytes, wrong: str | None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        talk = Conversation(listener.getsockname()[1], QUESTIONS)
        peer, _ = listener.accept()
    with peer:
        peer.sendall(octets)
        peer.shutdown(socket.SHUT_WR)
        peer.recv(10_000)
        talk.socket.setblocking(True)
        try:
            while talk.receive():
                pass
            assert wrong is None
        except WrongAnswer as error:
            assert wrong is not None and wrong in str(error)
        finally:
            talk.close()


def test_a_server_that_is_not_ready_is_ended(tmp_path: Path) -> None:
    script = tmp_path / "server"
    script.write_text("#!/bin/sh\necho $$\nexec sleep 60\n")
    script.chmod(0o755)
    with pytest.raises(RunError, match="not that it is ready") as error, running(script, []):
        pass
    pid = re.search(r"'(\d+)", str(error.value))
    assert pid and not Path(f"/proc/{pid[1]}").exists()


@pytest.mark.parametrize("kind", ["stop", "descriptors"])
def test_a_trial_that_cannot_be_made_is_no_verdict(tmp_path: Path, kind: str) -> None:
    """Nobody listens where this one says that it is ready."""
    script = tmp_path / "server"
    script.write_text("#!/bin/sh\necho it spoke >&2\necho server: ready on http://127.0.0.1:1/\nexec sleep 60\n")
    script.chmod(0o755)
    done = subprocess.run(
        [ROOT / "scripts" / "robustness.py", kind, "--bin-dir", tmp_path, "--row", "server"],
        capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stderr) == (2, "it spoke\nscripts/robustness.py: Connection refused\n")


@pytest.mark.parametrize("octets", [ONE, CHUNKED, ONE * 3 + CHUNKED + ONE])
def test_a_truncated_response_is_seen(octets: bytes) -> None:
    whole = octets.count(b"HTTP/1.1 ")
    ends = {len(octets)} | {at for at in range(len(octets)) if octets[at:].startswith(b"HTTP/1.1 ")}
    for end in range(len(octets) + 1):
        for step in (1, 7, len(octets)):
            responses = Responses()
            for at in range(0, end, step):
                responses.feed(octets[at : min(at + step, end)])
            assert responses.truncated == (end not in ends), end
            assert responses.whole <= whole and (responses.whole == whole) == (end == len(octets))


def test_what_is_no_response_is_seen() -> None:
    for octets in (b"HTTP/1.1 404 Not Found\r\n\r\n", b"hello", b"HTTP/1.1 200 OK\r\n\r\n"):
        with pytest.raises(ValueError):
            Responses().feed(octets)
