"""Which programs are refused, and why."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from httpdyno_bench.errors import UsageError
from httpdyno_bench.identity import Program, Revision, identified, refuse_impostor, tree_revision
from httpdyno_bench.tables import load_variants

ROW = next(row for row in load_variants(ROOT / "variants" / "variants.json") if row.name == "inline-system")
REVISION = Revision("ab12cd34" * 5, False)
HONEST = {"row": "inline-system", "axes": dict(ROW.axes), "revision": REVISION.commit, "build_type": "Release",
          "sanitizers": "", "allocator": "system"}


def program(**changes: Any) -> Program:
    return Program(Path("bin/inline-system"), {**HONEST, **changes}, "0" * 64, (0, 0, 0))


def test_an_honest_program_is_taken() -> None:
    refuse_impostor(program(), ROW, REVISION)
    refuse_impostor(program(revision=REVISION.commit[:12]), ROW, REVISION)
    refuse_impostor(program(revision="unknown"), ROW, Revision("unknown", False))


@pytest.mark.parametrize("change, expected", [
    ({"row": "inline-mimalloc"}, "it says it is 'inline-mimalloc'"),
    ({"axes": {**ROW.axes, "io": "uring"}}, "its axes are"),
    ({"axes": None}, "its axes are"),
    ({"allocator": "mimalloc"}, "its live allocator is mimalloc"),
    ({"revision": "0" * 40}, "it was built from 0000000, the tree is ab12cd3"),
    ({"revision": "ab1"}, "it was built from ab1"),
    ({"revision": ""}, "it was built from"),
    ({"revision": "unknown"}, "it was built from unknown"),
    ({"build_type": "Debug"}, "it is a Debug build"),
    ({"build_type": "RelWithDebInfo"}, "it is a RelWithDebInfo build"),
    ({"sanitizers": "address,undefined"}, "-fsanitize=address,undefined"),
    ({"sanitizers": None}, "-fsanitize=None"),
])
def test_another_is_refused_with_the_reason(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(UsageError) as refusal:
        refuse_impostor(program(**change), ROW, REVISION)
    assert str(refusal.value).startswith("refused inline-system: ") and expected in str(refusal.value)


@pytest.mark.parametrize("text, expected", [
    ("#!/bin/sh\necho no JSON\n", "printed no JSON"),
    ("#!/bin/sh\necho '[1]'\n", "no JSON object"),
    ("#!/bin/sh\nexit 3\n", "failed (exit code 3)"),
    ("not a program at all", "cannot run"),
])
def test_what_does_not_answer_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "inline-system"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o755)
    with pytest.raises(UsageError) as refusal:
        identified(file)
    assert expected in str(refusal.value)


def test_a_program_that_is_built_anew_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "inline-system"
    file.write_text("#!/bin/sh\necho '{}'\n", encoding="utf-8")
    file.chmod(0o755)
    found = identified(file)
    assert found.unchanged()
    file.write_text("#!/bin/sh\necho '{ }'\n", encoding="utf-8")
    assert not found.unchanged()


def test_the_tree_is_dirty_when_a_figure_may_depend_on_it(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@example.org", *arguments],
            check=True, capture_output=True, text=True,
        ).stdout.strip()

    git("init", "--quiet")
    assert tree_revision(tmp_path) == Revision("unknown", False)
    for folder in ("server", "results", "docs"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file").write_text("1", encoding="utf-8")
    git("add", ".")
    git("commit", "--quiet", "-m", "first")
    clean = Revision(git("rev-parse", "HEAD"), False)
    assert tree_revision(tmp_path) == clean
    for harmless in ("results", "docs"):
        (tmp_path / harmless / "file").write_text("2", encoding="utf-8")
    (tmp_path / "BENCH.md").write_text("new", encoding="utf-8")
    assert tree_revision(tmp_path) == clean
    (tmp_path / "server" / "new.h").write_text("1", encoding="utf-8")
    assert tree_revision(tmp_path) == Revision(clean.commit, True)
