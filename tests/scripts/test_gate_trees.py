"""From revisions to programs: snapshots, builds, relinks, and a whole gate of two revisions, on a toy tree."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import FAKES
from httpdyno_bench.errors import UsageError
from httpdyno_gate.builds import built, differing_flags
from httpdyno_gate.errors import BuildError, InvalidRun
from httpdyno_gate.preparation import Workshop, refuse_unequal_flags
from httpdyno_gate.relinks import relinked
from httpdyno_gate.rows import Row
from httpdyno_gate.sources import revision, work_tree

TOY = Path(__file__).resolve().parent / "toy"
ROW = Row("row", "inline-system", "/", 1, 1, 0, 0.1, 10.0, {})
PROGRAM = Path("server/toy.cc")
GIT = ["git", "-c", "user.name=toy", "-c", "user.email=toy@localhost", "-c", "init.defaultBranch=main"]


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run([*GIT, "-C", str(folder), *arguments], capture_output=True, text=True, check=True).stdout.strip()


def commit(folder: Path, message: str) -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a built commit, which the tests copy nothing of and change nothing in."""
    root = tmp_path_factory.mktemp("toy") / "repo"
    shutil.copytree(TOY, root)
    (root / ".gitignore").write_text("/build/\n", encoding="utf-8")
    git(root, "init", "--quiet")
    commit(root, "zero")
    commit(root, "one")
    built(root, root / "build" / "gate", revision(root, "HEAD"), ["inline-system"])
    return root


@pytest.fixture
def cache(made: Path) -> Path:
    return made / "build" / "gate"


def order_of(program: Path) -> list[str]:
    names = {"anna", "bert", "cleo", "dora", "emil", "fred", "gina", "hans"}
    lines = subprocess.run(["nm", "--numeric-sort", "--demangle", str(program)], capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for line in lines if (name := line.split()[-1].split("(")[0]) in names]


def test_an_unknown_revision_is_one_line(made: Path) -> None:
    for name in ("nonsense", "--help", "HEAD:server", ""):
        with pytest.raises(UsageError, match="no revision"):
            revision(made, name)


def test_a_clean_work_tree_is_head_and_a_changed_one_is_its_content(made: Path) -> None:
    head = git(made, "rev-parse", "HEAD")
    assert (work_tree(made).name, work_tree(made).commit) == ("HEAD", head)
    new = made / "new.txt"
    new.write_text("new\n", encoding="utf-8")
    try:
        first, again = work_tree(made), work_tree(made)
        assert first.name == "worktree" and first == again and first.commit != head
        assert git(made, "show", f"{first.commit}:new.txt") == "new"
        new.write_text("newer\n", encoding="utf-8")
        assert work_tree(made).commit != first.commit
        assert git(made, "status", "--porcelain") == "?? new.txt"
    finally:
        new.unlink()


def test_a_tree_is_built_once(made: Path, cache: Path) -> None:
    tree = built(made, cache, revision(made, "HEAD"), ["inline-system"])
    program = tree.program("inline-system")
    before = program.stat().st_mtime_ns
    identity = json.loads(subprocess.run([program, "--identity"], capture_output=True, check=True).stdout)
    assert identity["revision"] == git(made, "rev-parse", "HEAD")
    assert built(made, cache, revision(made, "HEAD"), ["inline-system"]) == tree
    assert program.stat().st_mtime_ns == before


def test_a_checkout_that_was_broken_off_is_made_again(made: Path, cache: Path) -> None:
    tree = built(made, cache, revision(made, "HEAD"), ["inline-system"])
    (tree.folder / "checked-out").unlink()
    (tree.sources / "CMakeLists.txt").unlink()
    # What git leaves when it is killed meanwhile.
    git(made, "worktree", "lock", str(tree.sources))
    assert built(made, cache, revision(made, "HEAD"), ["inline-system"]).program("inline-system").exists()


def test_links_differ_in_the_order_of_functions_and_in_nothing_else(made: Path, cache: Path, tmp_path: Path) -> None:
    tree = built(made, cache, revision(made, "HEAD"), ["inline-system"])
    links = [relinked(tree, "inline-system", seed, tmp_path / f"{seed}") for seed in (1, 2, 3)]
    orders = [order_of(link) for link in links]
    assert all(sorted(order) == sorted(orders[0]) and len(order) == 8 for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    assert order_of(relinked(tree, "inline-system", 1, tmp_path / "again")) == orders[0]
    said = {subprocess.run([link, "--identity"], capture_output=True, check=True).stdout for link in links}
    assert len(said) == 1
    assert order_of(tree.program("inline-system")) not in orders


def test_sides_have_links_of_their_own(made: Path, cache: Path, tmp_path: Path) -> None:
    tree = built(made, cache, revision(made, "HEAD"), ["inline-system"])
    workshop = Workshop(made, cache, tmp_path, (), 7)
    base, head = (workshop.side(name, tree, [ROW], 3, ()) for name in ("base", "head"))
    assert len({program.sha256 for side in (base, head) for program in side.links["inline-system"]}) == 6
    assert [base.program(ROW, number).path.parent.name for number in range(4)] == ["base-000", "base-001", "base-002", "base-000"]
    assert workshop.side("base", tree, [ROW], 0, ()).program(ROW, 5).path == tree.program("inline-system")


def test_a_program_of_another_revision_is_refused(made: Path, cache: Path, tmp_path: Path) -> None:
    tree = built(made, cache, revision(made, "HEAD"), ["inline-system"])
    other = commit(made, "two")
    stale = type(tree)(revision(made, other), tree.folder)
    with pytest.raises(InvalidRun, match="base: refused inline-system: it was built from"):
        Workshop(made, cache, tmp_path, (), 7).side("base", stale, [ROW], 0, ())


def test_unequal_flags_are_found(made: Path, cache: Path) -> None:
    base = built(made, cache, revision(made, "HEAD"), ["inline-system"])
    recipe = made / "CMakeLists.txt"
    recipe.write_text(recipe.read_text(encoding="utf-8").replace("-O1", "-O2"), encoding="utf-8")
    commit(made, "faster")
    head = built(made, cache, revision(made, "HEAD"), ["inline-system"])
    assert differing_flags(base, base) == []
    assert differing_flags(base, head) == ["server/toy.cc"]
    with pytest.raises(InvalidRun, match="server/toy.cc.*--allow flags"):
        refuse_unequal_flags(base, head)


def test_what_does_not_build_is_one_line(made: Path, cache: Path) -> None:
    text = (made / PROGRAM).read_text(encoding="utf-8")
    try:
        (made / PROGRAM).write_text(text + "\nint broken = nothing;\n", encoding="utf-8")
        with pytest.raises(BuildError, match="worktree.* does not build: .*error: .*nothing.*build.log"):
            built(made, cache, work_tree(made), ["inline-system"])
    finally:
        (made / PROGRAM).write_text(text, encoding="utf-8")
    with pytest.raises(BuildError, match="has no program pool-system"):
        built(made, cache, revision(made, "HEAD"), ["pool-system"])


def test_without_a_compiler_it_does_not_configure(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(BuildError, match="does not configure: .*no-such-compiler|does not configure"):
        built(made, tmp_path / "cache", revision(made, "HEAD"), ["inline-system"])
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(BuildError, match="cmake is not installed"):
        built(made, tmp_path / "cache", revision(made, "HEAD"), ["inline-system"])


def test_an_interrupted_build_ends_its_compilers_and_is_made_again(made: Path, tmp_path: Path) -> None:
    slow = tmp_path / "c++"
    slow.write_text('#!/bin/sh\ncase "$*" in *toy.cc*) sleep 300;; esac\nexec c++ "$@"\n', encoding="utf-8")
    slow.chmod(0o755)
    program = (
        "import sys; sys.path[:0] = [sys.argv[1]]\n"
        "from pathlib import Path\n"
        "from httpdyno_bench import interrupts\n"
        "from httpdyno_gate.builds import built\n"
        "from httpdyno_gate.sources import revision\n"
        "interrupts.take_signals()\n"
        "built(Path(sys.argv[2]), Path(sys.argv[3]), revision(Path(sys.argv[2]), 'HEAD'), ['inline-system'])\n"
    )
    environment = {**os.environ, "CXX": str(slow), "GATE_TEST": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-c", program, str(FAKES.parents[2] / "scripts"), str(made), str(tmp_path / "cache")],
                               env=environment, stderr=subprocess.DEVNULL)
    compiles = lambda: [file.parent.name for file in Path("/proc").glob("[0-9]*/cmdline") if says(file, b"sleep\x00300") and says(  # noqa: E731
        file.with_name("environ"), f"GATE_TEST={tmp_path}".encode())]
    deadline = time.monotonic() + 100
    while not compiles() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert compiles()
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    while compiles() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not compiles()


def says(file: Path, words: bytes) -> bool:
    try:
        return words in file.read_bytes()
    except OSError:
        return False


def test_a_whole_gate_of_two_revisions(made: Path, tmp_path: Path) -> None:
    """Snapshot, builds, relinks, identities, golden requests, canary, rounds, files, exit code."""
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    shutil.copy(FAKES / "gate_loadgen.py", bin_dir / "loadgen")
    (bin_dir / "loadgen").chmod(0o755)
    world = {"identity": {"revision": git(made, "rev-parse", "HEAD"), "build_type": "Release", "sanitizers": ""}, "tells": True,
             "loss": 0.0, "spread": 0.0005}
    (bin_dir / "world.json").write_text(json.dumps(world), encoding="utf-8")
    table = {"rows": [{"name": "one", "variant": "inline-system", "load": {"target": "/", "connections": 1, "pipeline": 1},
                       "round_seconds": 0.1, "slice_ms": 10, "metrics": {"cpu": {"tolerated": 0.001, "matters": 0.005}}}]}
    (tmp_path / "table.json").write_text(json.dumps(table), encoding="utf-8")
    (made / "README").write_text("changed\n", encoding="utf-8")
    program = f"from httpdyno_gate import cli, fitness; from pathlib import Path; import math, sys; cli.ROOT = Path({str(made)!r}); " \
              "fitness.STEAL_SHARE_MAX = fitness.FOREIGN_SHARE_MAX = fitness.LOAD_PER_CORE_MAX = math.inf; sys.exit(cli.main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "--base", "HEAD", "--table", str(tmp_path / "table.json"), "--bin-dir", str(bin_dir),
               "--cache", str(made / "build" / "gate"), "--rounds-max", "7", "--seed", "1", "--json", "--no-counts", "--reference", "HEAD~1",
               "--history", str(tmp_path / "history.ndjson")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200,
                          env={**os.environ, "PYTHONPATH": str(FAKES.parents[2] / "scripts")})
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    verdict = json.loads(done.stdout)
    assert verdict["outcome"] == "PASS" and verdict["provenance"]["head"] == "worktree"
    assert verdict["provenance"]["head_commit"] != verdict["provenance"]["base_commit"] == git(made, "rev-parse", "HEAD")
    assert verdict["provenance"]["relinks"] == 7
    (cell,) = verdict["provenance"]["against_reference"]
    assert cell["rounds"] == 8 and cell["low"] < cell["ratio"] < cell["high"]
    (line,) = (tmp_path / "history.ndjson").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["against_reference"] == [cell]
    assert not list((made / "build" / "gate").glob("links-*"))
