"""What is compared, as commits: a revision, or the work tree as it is."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from httpdyno_bench.errors import UsageError

_GIT_SECONDS = 120.0
_SHORT = 12
# So that equal content is the same commit each time.
_NOBODY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "httpdyno gate"), ("EMAIL", "gate@localhost"), ("DATE", "2000-01-01T00:00:00+0000"))
}


@dataclasses.dataclass(frozen=True)
class Source:
    """A commit and the name that it was asked for by. A work tree with changes is a commit that no branch holds."""

    name: str
    commit: str

    @property
    def short(self) -> str:
        return self.commit[:_SHORT]


def revision(root: Path, name: str) -> Source:
    try:
        commit = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except UsageError:
        raise UsageError(f"there is no revision '{name}' here; in a shallow clone, fetch it first") from None
    return Source(name, commit)


def work_tree(root: Path) -> Source:
    """HEAD where nothing has changed since; otherwise a snapshot of all files that git does not ignore."""
    head = git(root, "rev-parse", "--verify", "HEAD")
    with tempfile.TemporaryDirectory(prefix="httpdyno-") as folder:
        # An index of its own: the user's stays as it is.
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git(root, "read-tree", head, environment=index)
        git(root, "add", "--all", "--", ".", environment=index)
        tree = git(root, "write-tree", environment=index)
    if tree == git(root, "rev-parse", f"{head}^{{tree}}"):
        return Source("HEAD", head)
    return Source("worktree", git(root, "commit-tree", tree, "-p", head, "-m", "work tree", environment=_NOBODY))


def git(root: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False, timeout=_GIT_SECONDS,
            env={**os.environ, **(environment or {})},
        )
    except FileNotFoundError:
        raise UsageError("git is not installed: run scripts/setup") from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"git {arguments[0]} did not come back") from None
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise UsageError(f"git {arguments[0]} failed" + (f": {said[-1]}" if said else ""))
    return done.stdout.strip()
