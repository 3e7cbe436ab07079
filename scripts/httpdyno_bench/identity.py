"""Is a program the build that its name says? A run is not begun with one that is not."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import UsageError
from .processes import ask
from .tables import Variant

# What a record keeps of an identity; nothing in it may name the machine or a path.
KEPT = ("revision", "dirty", "compiler", "flags", "build_type", "allocator", "allocator_proof")
# What a figure depends on: the programs, and what drives and measures them. Prose, tests and results change none.
_SOURCE = ("CMakeLists.txt", "CMakePresets.json", "net", "server", "variants", "loadgen", "scripts", "bench")
_SHORT = 7


@dataclasses.dataclass(frozen=True)
class Revision:
    """The tree's commit ("unknown" where there is none), and whether what figures depend on differs from it."""

    commit: str
    dirty: bool

    @property
    def short(self) -> str:
        return self.commit[:_SHORT]


@dataclasses.dataclass(frozen=True)
class Program:
    """A program as it was when it answered for itself; unchanged() tells whether it still is that file."""

    path: Path
    identity: Mapping[str, Any]
    sha256: str
    _stamp: tuple[int, int, int]

    def unchanged(self) -> bool:
        return _stamp(self.path) == self._stamp


def tree_revision(root: Path) -> Revision:
    commit = _git(root, "rev-parse", "--verify", "HEAD")
    if commit is None:
        return Revision("unknown", False)
    changes = _git(root, "status", "--porcelain", "--", *_SOURCE)
    return Revision(commit, changes is None or changes != "")


def identified(program: Path) -> Program:
    """Asks a program who it is."""
    try:
        identity = json.loads(ask(program, "--identity"))
    except ValueError as error:
        raise UsageError(f"{program.name} --identity printed no JSON: {error}") from error
    if not isinstance(identity, dict):
        raise UsageError(f"{program.name} --identity printed no JSON object")
    return Program(program, identity, hashlib.sha256(program.read_bytes()).hexdigest(), _stamp(program))


def refuse_impostor(program: Program, variant: Variant, revision: Revision) -> None:
    """Ends the run before it begins if a server is not what its row says."""
    identity = program.identity
    wrong: list[str] = []
    if identity.get("row") != variant.name:
        wrong.append(f"it says it is '{identity.get('row')}'")
    if identity.get("axes") != dict(variant.axes):
        wrong.append(f"its axes are {json.dumps(identity.get('axes'))}, the row's {json.dumps(dict(variant.axes))}")
    if identity.get("allocator") != variant.axes.get("allocator"):
        wrong.append(f"its live allocator is {identity.get('allocator')}")
    wrong += build_faults(identity, revision)
    if wrong:
        raise UsageError(f"refused {program.path.name}: {'; '.join(wrong)} (make build, then try again)")


def build_faults(identity: Mapping[str, Any], revision: Revision) -> list[str]:
    """Why a build is none to measure."""
    faults: list[str] = []
    if not _same_commit(str(identity.get("revision")), revision.commit):
        faults.append(f"it was built from {str(identity.get('revision'))[:_SHORT]}, the tree is {revision.short}")
    if identity.get("build_type") != "Release":
        faults.append(f"it is a {identity.get('build_type')} build")
    if identity.get("sanitizers") != "":
        faults.append(f"it was built with -fsanitize={identity.get('sanitizers')}")
    return faults


def _same_commit(a: str, b: str) -> bool:
    """Equal, one of them perhaps shortened."""
    return a == b or (min(len(a), len(b)) >= _SHORT and (a.startswith(b) or b.startswith(a)))


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _stamp(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
