"""The Makefile, scripts/setup and variants.json: what a newcomer touches first."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import time
from pathlib import Path

import pytest
from test_doors import ROOT


def test_setup_is_quick_when_nothing_is_missing() -> None:
    subprocess.run([ROOT / "scripts/setup"], check=True)
    begin = time.monotonic()
    done = subprocess.run([ROOT / "scripts/setup"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout == "" and done.stderr == ""
    assert time.monotonic() - begin < 1.0


def test_setup_without_apt_names_the_packages_and_stops(tmp_path: Path) -> None:
    """A PATH with the shell's tools and neither apt-get nor dpkg-query."""
    for tool in ("bash", "env", "sed", "grep", "printf"):
        found = subprocess.run(["which", tool], capture_output=True, text=True).stdout.strip()
        if found:
            (tmp_path / tool).symlink_to(found)
    done = subprocess.run([ROOT / "scripts/setup"], env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    listed = subprocess.run([ROOT / "scripts/setup", "--list"], capture_output=True, text=True, check=True).stdout.split()
    assert all(package in done.stderr for package in listed)


def test_setup_names_what_it_cannot_install_without_root(tmp_path: Path) -> None:
    """dpkg-query says that nothing is installed; there is no sudo; we are not root."""
    for name, text in {"dpkg-query": "exit 1", "apt-get": "exit 100"}.items():
        script = tmp_path / name
        script.write_text(f"#!/bin/sh\n{text}\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if parent.stat().st_uid == os.getuid() and parent != Path("/") and parent != Path("/tmp"):
            parent.chmod(0o755)
    for tool in ("bash", "env", "sed", "grep"):
        (tmp_path / tool).symlink_to(subprocess.run(["which", tool], capture_output=True, text=True).stdout.strip())
    text = (ROOT / "scripts/setup").read_text()
    copy = tmp_path / "setup"
    copy.write_text(text)
    copy.chmod(0o755)
    user = {"user": 65534} if os.getuid() == 0 else {}
    done = subprocess.run([copy], env={"PATH": str(tmp_path)}, capture_output=True, text=True, **user)  # type: ignore[call-overload]
    assert done.returncode == 2, done.stderr
    assert "apt-get install" in done.stderr and "libfmt-dev" in done.stderr


def test_setup_leaves_no_server_of_others_running(tmp_path: Path) -> None:
    """h2o is missing: only with --peers is it installed, without being started, and its service is disabled."""
    log = tmp_path / "log"
    for name, text in {
        "dpkg-query": "for package; do [ $package = h2o ] || echo installed $package; done",
        "apt-get": f"test -x /usr/sbin/policy-rc.d && echo apt-get $* >>{log}",
        "systemctl": f"echo systemctl $* >>{log}",
        "sudo": '"$@"',
    }.items():
        script = tmp_path / name
        script.write_text(f"#!/bin/bash\n{text}\n")
        script.chmod(0o755)
    if os.getuid() != 0:
        pytest.skip("only root may forbid the start of services")
    before = Path("/usr/sbin/policy-rc.d").exists()
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run([ROOT / "scripts/setup"], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, log.exists()) == (0, "", False), done.stderr
    done = subprocess.run([ROOT / "scripts/setup", "--peers"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    calls = log.read_text().splitlines()
    assert len(calls) == 2 and "install" in calls[0] and calls[0].endswith(" h2o")
    assert calls[1] == "systemctl --quiet disable h2o"
    assert Path("/usr/sbin/policy-rc.d").exists() == before


def test_setup_refuses_unknown_arguments() -> None:
    done = subprocess.run([ROOT / "scripts/setup", "--lst"], capture_output=True, text=True)
    assert done.returncode == 2 and "--lst" in done.stderr


def test_make_help_names_every_target() -> None:
    text = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("bench", "gate", "test", "fuzz", "sim", "coverage", "micro", "report", "clean"):
        assert f"make {target}" in text


def test_variants_name_reference_axis_and_question() -> None:
    rows = json.loads((ROOT / "variants/variants.json").read_text())["variants"]
    by_name = {row["name"]: row for row in rows}
    assert len(by_name) == len(rows)
    assert {"inline-system", "inline-mimalloc", "pool-system", "pool-mimalloc", "inline-aa", "floor-epoll"} <= set(by_name)
    assert len({json.dumps(row["axes"], sort_keys=True) for row in rows}) == len(rows)
    for row in rows:
        assert row["question"].endswith("?")
        if row["reference"] is None:
            assert row["kind"] == "floor" and row["changed_axis"] is None
            continue
        reference = by_name[row["reference"]]
        differing = [axis for axis in row["axes"] if row["axes"][axis] != reference["axes"][axis]]
        assert differing == [row["changed_axis"]], f"{row['name']} differs from {row['reference']} in {differing}"
