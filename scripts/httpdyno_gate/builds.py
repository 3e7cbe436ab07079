"""Trees of base and head with what was built in them, cached by commit.

The cache is a folder; a commit's place in it has `source/` (a git work tree), `build/` and `build.log`. A checkout counts once
`checked-out` is there; what ninja has begun and not finished it makes again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from httpdyno_bench.errors import UsageError
from httpdyno_bench.processes import ending, start

from .errors import BuildError
from .sources import Source, git

_BUILD_SECONDS = 1800.0
_STOP_SECONDS = 10.0
_KEPT_TREES = 8
_MARKER = "checked-out"
# The sources that servers are made of; others are not built here.
_SERVER_SOURCES = ("net/", "server/", "variants/")


@dataclasses.dataclass(frozen=True)
class Tree:
    """A commit that is checked out and configured."""

    source: Source
    folder: Path

    @property
    def sources(self) -> Path:
        return self.folder / "source"

    @property
    def build(self) -> Path:
        return self.folder / "build"

    @property
    def bin_dir(self) -> Path:
        return self.build / "bin"

    def program(self, name: str) -> Path:
        return self.bin_dir / name


def built(root: Path, cache: Path, source: Source, targets: Sequence[str], definitions: Sequence[str] = ()) -> Tree:
    """The tree with these programs, made where they are not there yet. Equal definitions mean equal flags on both sides."""
    suffix = "".join(f"-{re.sub(r'[^A-Za-z0-9=]+', '_', each)}" for each in definitions)
    tree = Tree(source, cache / f"{source.short}{suffix}")
    if not (tree.folder / _MARKER).exists():
        _check_out(root, cache, tree)
    (tree.folder / _MARKER).touch()
    if not (tree.build / "build.ninja").exists():
        _run(tree, "configure", ["cmake", "-S", str(tree.sources), "-B", str(tree.build), "-G", "Ninja", "--log-level=WARNING",
                                 "-DCMAKE_BUILD_TYPE=Release", *(f"-D{each}" for each in definitions)])
    _refuse_missing_targets(tree, targets)
    _run(tree, "build", ["ninja", "-C", str(tree.build), *targets])
    return tree


def differing_flags(base: Tree, head: Tree) -> list[str]:
    """The files that both trees compile, by commands that differ in more than the trees' paths."""
    ours, theirs = _commands(base), _commands(head)
    return sorted(name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name])


def _check_out(root: Path, cache: Path, tree: Tree) -> None:
    try:
        _forget_oldest(root, cache)
        shutil.rmtree(tree.folder, ignore_errors=True)
        tree.folder.mkdir(parents=True)
        # git may remember a work tree at this place that is gone (--force), or that it was making when it was killed (twice).
        git(root, "worktree", "add", "--quiet", "--force", "--force", "--detach", str(tree.sources), tree.source.commit)
    except (OSError, UsageError) as error:
        shutil.rmtree(tree.folder, ignore_errors=True)
        raise BuildError(f"cannot check out {tree.source.name} ({tree.source.short}): {error}") from error


def _forget_oldest(root: Path, cache: Path) -> None:
    markers = sorted(cache.glob(f"*/{_MARKER}"), key=lambda marker: marker.stat().st_mtime)
    for marker in markers[: max(0, len(markers) - _KEPT_TREES + 1)]:
        shutil.rmtree(marker.parent)
    git(root, "worktree", "prune")


def _refuse_missing_targets(tree: Tree, targets: Sequence[str]) -> None:
    table = json.loads((tree.sources / "variants" / "variants.json").read_text(encoding="utf-8"))
    missing = sorted(set(targets) - {row["name"] for row in table["variants"]})
    if missing:
        raise BuildError(f"{tree.source.name} ({tree.source.short}) has no program {missing[0]}: choose other rows (--rows)")


def _run(tree: Tree, step: str, command: Sequence[str]) -> None:
    """One step of a build; what it prints is in build.log. Ninja's compilers are groups of their own: it ends them itself
    when it is asked to end."""
    if shutil.which(command[0]) is None:
        raise BuildError(f"{command[0]} is not installed: run scripts/setup")
    log = tree.folder / "build.log"
    with log.open("wb") as stream, ending(start(command, None, stream, subprocess.STDOUT)) as process:
        try:
            code = process.wait(timeout=_BUILD_SECONDS)
        except subprocess.TimeoutExpired:
            raise BuildError(f"{tree.source.name} ({tree.source.short}): {step} took longer than {_BUILD_SECONDS:g} s") from None
        finally:
            if process.poll() is None:
                _end_group(process)
    if code != 0:
        raise BuildError(f"{tree.source.name} ({tree.source.short}) does not {step}{_first_error(log)}; all of it is in "
                         f"{tree.folder.name}/{log.name}")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _first_error(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    wrong = [line.strip() for line in lines if re.search(r"\b(error|fatal error|CMake Error)\b", line, re.IGNORECASE)]
    return f": {wrong[0]}" if wrong else ""


def _commands(tree: Tree) -> dict[str, str]:
    """By source, as if the tree lay nowhere."""
    commands = json.loads((tree.build / "compile_commands.json").read_text(encoding="utf-8"))
    found = {}
    for entry in commands:
        name = os.path.relpath(entry["file"], tree.sources)
        if name.startswith(_SERVER_SOURCES):
            found[name] = entry["command"].replace(str(tree.build), "").replace(str(tree.sources), "")
    return found
