"""The same program linked again with its functions in another order: layout alone moves a figure by more than a small
regression does, so that no one layout may stand for a program."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

from .builds import Tree
from .errors import BuildError

_LINK_SECONDS = 120.0
# Every function is a section of its own (-ffunction-sections).
_SECTIONS = ".text*"


def link_command(tree: Tree, program: str) -> list[str]:
    """The one by which ninja links it, as words."""
    done = subprocess.run(["ninja", "-C", str(tree.build), "-t", "commands", program], capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    words = shlex.split(lines[-1]) if done.returncode == 0 and lines else []
    # CMake puts nothing before and nothing after it: ": && c++ ... && :".
    words = [word for word in words if word not in (":", "&&")]
    if "-o" not in words or words[words.index("-o") + 1] != f"bin/{program}":
        raise BuildError(f"{tree.source.name}: ninja knows no command that links {program}")
    return words


def relinked(tree: Tree, program: str, seed: int, folder: Path) -> Path:
    """The program in a folder of its own, its functions in an order drawn from the seed."""
    if shutil.which("ld.lld") is None:
        raise BuildError("ld.lld is not installed: run scripts/setup")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / program
    words = link_command(tree, program)
    words[words.index("-o") + 1] = str(target)
    words += ["-fuse-ld=lld", f"-Wl,--shuffle-sections={_SECTIONS}={seed}"]
    try:
        done = subprocess.run(words, cwd=tree.build, capture_output=True, text=True, check=False, timeout=_LINK_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"cannot link {program} again: {error}") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or "no word").splitlines()
        raise BuildError(f"cannot link {program} again: {said[0]}")
    return target
