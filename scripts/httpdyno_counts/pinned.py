"""A process that does the same each time: what could differ between two starts, two folders or two machines is held still."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from httpdyno_bench.errors import RunError, UsageError

# The C library chooses its functions by what the CPU has: here, by what each x86-64 has. AVX-512 above all, which
# valgrind does not know. Names that another architecture or version does not have are ignored.
_TUNABLES = "glibc.cpu.hwcaps=" + ",".join(
    f"-{feature}" for feature in ("AVX512F", "AVX512VL", "AVX512BW", "AVX2", "AVX", "AVX_Fast_Unaligned_Load", "BMI2", "ERMS",
                                  "FSRM", "RTM", "SSSE3", "SSE4_1", "SSE4_2"))
ENVIRONMENT: Mapping[str, str] = {
    "GLIBC_TUNABLES": _TUNABLES,
    # A symbol that is looked up at its first call would be looked up by whichever request comes first.
    "LD_BIND_NOW": "1",
    # What allocators give back to the kernel after some time.
    "MALLOC_CONF": "background_thread:false,dirty_decay_ms:-1,muzzy_decay_ms:-1",
    "MIMALLOC_ALLOW_DECOMMIT": "0",
    "TCMALLOC_RELEASE_RATE": "0",
}


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise UsageError(f"{name} is not installed: run scripts/setup")
    return found


def wrapper(environment: Mapping[str, str]) -> tuple[str, ...]:
    """A command that becomes the program it is given: with this environment alone, and at addresses that are not random."""
    assignments = {**ENVIRONMENT, **environment}
    return (*_without_randomisation(), tool("env"), "-i", *(f"{name}={value}" for name, value in sorted(assignments.items())))


def _without_randomisation() -> tuple[str, ...]:
    """Some containers do not allow it. Repeats then show whether it matters."""
    command = (tool("setarch"), "-R")
    allowed = subprocess.run([*command, tool("true")], capture_output=True, check=False).returncode == 0
    return command if allowed else ()


def until_asleep(pid: int, seconds: float) -> None:
    """Until all threads wait for something. What a client does next then finds the program in the same state each time."""
    deadline = time.monotonic() + seconds
    looks = 0
    while looks < 2:
        looks = looks + 1 if _asleep(pid) else 0
        if time.monotonic() > deadline:
            raise RunError(f"a server that has nothing to do was still busy after {seconds:g} s")
        time.sleep(0.002)


def _asleep(pid: int) -> bool:
    """By the letter behind the name, which may have anything in it, of each thread."""
    try:
        states = [(thread / "stat").read_text(encoding="ascii", errors="replace").rpartition(") ")[2][:1]
                  for thread in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return False
    return set(states) == {"S"}


@contextlib.contextmanager
def placed(program: Path) -> Iterator[Path]:
    """The program under a name that is as long wherever it lies, in a folder of its own."""
    if not program.exists():
        raise UsageError(f"there is no program {program.name} in {program.parent.name}/: build it first (make build)")
    try:
        with tempfile.TemporaryDirectory(prefix="httpdyno-counts-") as folder:
            link = Path(folder) / program.name
            link.symlink_to(program.resolve())
            yield link
    except OSError as error:
        raise RunError(f"cannot keep counts: {error.strerror or error}") from error
