"""Who may include whom (docs/ARCHITECTURE.md), and other habits of the house that a machine can check."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Room -> rooms it may include besides itself. The longest matching prefix of a path is its room.
DOORS: dict[str, set[str]] = {
    "net/base": set(),
    "net/http": {"net/base"},
    "net/io": {"net/base"},
    "net/io/epoll": {"net/base", "net/io"},
    "net/io/sim": {"net/base", "net/io"},
    "server": {"net/base", "net/http", "net/io"},
    "variants": {"net/base", "net/http", "net/io", "server"},
    "loadgen": {"net/base", "net/http", "net/io", "net/io/epoll"},
    "bench/micro": {"net/base", "net/http", "net/io", "net/io/epoll", "server", "loadgen", "variants"},
}
# The public server names the default backend in this one file; nothing else in server/ may.
EXCEPTIONS = {("server/server.h", "net/io/epoll/epoll_io.h")}

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def tracked(*patterns: str) -> list[str]:
    """Files of the work tree that git tracks or would track."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=True)
    return sorted(path for path in set(listing.stdout.splitlines()) if (ROOT / path).exists())


def room_of(path: str) -> str | None:
    rooms = [room for room in DOORS if path.startswith(room + "/")]
    return max(rooms, key=len) if rooms else None


def violations(path: str, text: str) -> list[str]:
    room = room_of(path)
    if room is None:
        return []
    found = []
    for included in INCLUDE.findall(text):
        target = room_of(included)
        if included.startswith("tests/"):
            found.append(f"{path} includes {included}: no room may include tests")
        elif target is None and "/" in included:
            found.append(f"{path} includes {included}: no such room")
        elif target is not None and target != room and target not in DOORS[room] and (path, included) not in EXCEPTIONS:
            found.append(f"{path} includes {included}: {room} may not include {target}")
    return found


SOURCES = tracked("*.h", "*.cc", "*.def", "*.cc.in")


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) > 30


def test_includes_go_downwards_only() -> None:
    found = [line for path in SOURCES for line in violations(path, (ROOT / path).read_text())]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path, include, allowed", [
    ("net/base/x.h", "net/http/y.h", False),
    ("net/http/x.h", "net/base/y.h", True),
    ("net/http/x.cc", "net/io/io.h", False),
    ("server/loop.h", "net/io/epoll/epoll_io.h", False),
    ("server/server.h", "net/io/epoll/epoll_io.h", True),
    ("loadgen/drive/worker.h", "server/loop.h", False),
    ("server/loop.h", "loadgen/drive/worker.h", False),
    ("server/loop.h", "tests/server/fake_io.h", False),
    ("net/io/io.h", "net/io/epoll/epoll_io.h", False),
])
def test_the_doors_can_be_closed(path: str, include: str, allowed: bool) -> None:
    assert (violations(path, f'#include "{include}"\n') == []) == allowed


def test_nothing_in_the_core_names_a_kernel_interface() -> None:
    for path in tracked("server/*.h", "server/*.cc"):
        if path == "server/server.h":
            continue
        text = re.sub(r"//.*", "", (ROOT / path).read_text())
        assert not re.search(r"epoll|io_uring|<sys/|<unistd", text), path


def test_headers_say_what_they_are_for_and_are_included_once() -> None:
    for path in tracked("*.h"):
        lines = (ROOT / path).read_text().splitlines()
        assert lines[0].startswith("// "), path
        assert "#pragma once" in lines, path


def test_no_switch_over_a_table_has_a_default() -> None:
    """A row that is added to a .def table must break the build where it has to be handled."""
    for path in tracked("server/*.h", "server/*.cc", "net/http/request_parser.cc"):
        text = (ROOT / path).read_text()
        for match in re.finditer(r"switch \((.*?)\) \{(.*?)\n  *\}\n", text, re.DOTALL):
            if re.search(r"phase_|state|event|Result|extension_", match.group(1)):
                assert "default:" not in match.group(2), f"{path}: switch ({match.group(1)})"


def test_only_monotonic_time_in_what_measures() -> None:
    """R6: wall clocks step. The Date header reads one, and who finds out what the kernel's stamps mean."""
    for path in tracked("net/*.h", "net/*.cc", "server/*.h", "server/*.cc", "loadgen/*.h", "loadgen/*.cc"):
        text = re.sub(r"//.*", "", (ROOT / path).read_text())
        if path == "net/base/time.h":
            continue
        assert not re.search(r"gettimeofday|system_clock|CLOCK_REALTIME|\btime\(nullptr\)|\btime\(NULL\)", text), path
        assert path == "loadgen/drive/stamped_io.h" or "read_real_time" not in text, path


def test_no_work_is_left_in_comments() -> None:
    left = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")) + r")\b")
    for path in SOURCES + tracked("scripts/*", "tests/*.py", "Makefile", "CMakeLists.txt", "*/CMakeLists.txt"):
        text = (ROOT / path).read_text(errors="replace")
        assert not left.search(text), path


def test_no_path_of_a_machine() -> None:
    own = str(ROOT)
    for path in tracked():
        if path.endswith((".png", ".hgrm", ".gz")) or (ROOT / path) == Path(__file__):
            continue
        text = (ROOT / path).read_text(errors="replace")
        assert own not in text, path
        assert not re.search(r"/home/\w+|/root/", text), path
