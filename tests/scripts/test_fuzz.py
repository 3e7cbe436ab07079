"""scripts/fuzz.py: what it runs, what it says, and that a finding fails it. The targets are fakes."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# What libFuzzer prints in a run, and what it does with an input that fails.
QUIET = """#!/bin/sh
echo "#2	INITED cov: 10 ft: 11 corp: 1/1b"
echo "#99	DONE   cov: 345 ft: 678 corp: 20/1000b"
echo "stat::number_of_executed_units: 4321"
echo "$@" >"$0.arguments"
"""
FINDING = """#!/bin/sh
for argument; do
  case "$argument" in -artifact_prefix=*) prefix="${argument#-artifact_prefix=}" ;; esac
done
echo "#7	NEW    cov: 5 ft: 6 corp: 2/2b"
printf bad >"${prefix}crash-0123"
echo "stat::number_of_executed_units: 7"
exit 77
"""


def make_build(place: Path, programs: dict[str, str]) -> Path:
    binaries = place / "build/bin"
    binaries.mkdir(parents=True)
    for target, text in programs.items():
        program = binaries / f"fuzz_{target}"
        program.write_text(text)
        program.chmod(0o755)
    return place / "build"


def fuzz(build: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "scripts/fuzz.py"), "--build-dir", str(build), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_line_for_each_target(tmp_path: Path) -> None:
    build = make_build(tmp_path, {"request": QUIET, "scan": QUIET})
    done = fuzz(build, "--seconds", "3", "request", "scan")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["request", "scan"]
    assert all("4321 executions" in line and line.endswith("findings 0") for line in lines)
    assert "coverage   345" in lines[0] and "features    678" in lines[0]
    arguments = (build / "bin/fuzz_scan.arguments").read_text().split()
    assert "-max_total_time=3" in arguments
    # New inputs go to the first folder: it must not be the committed one.
    assert arguments[-1] == str(ROOT / "tests/fuzz/corpus/scan") and arguments[-2].startswith(str(build))


def test_a_finding_fails_and_says_how_to_repeat_it(tmp_path: Path) -> None:
    build = make_build(tmp_path, {"request": FINDING, "scan": QUIET})
    done = fuzz(build, "--seconds", "1", "request", "scan")
    assert done.returncode == 1
    finding = build / "fuzzing/request/findings/crash-0123"
    assert finding.read_text() == "bad"
    repeat = next(line for line in done.stdout.splitlines() if line.startswith("  repeat: ")).split()[1:]
    assert [(ROOT / word).resolve() for word in repeat] == [build / "bin/fuzz_request", finding]
    assert "exit code 77" in done.stdout
    assert "findings 0" in done.stdout.splitlines()[-1]


def test_what_is_not_built_is_said(tmp_path: Path) -> None:
    done = fuzz(make_build(tmp_path, {}), "request")
    assert done.returncode == 2 and "make fuzz" in done.stderr


def test_an_unknown_target_is_refused(tmp_path: Path) -> None:
    done = fuzz(make_build(tmp_path, {}), "reqest")
    assert done.returncode == 2 and "reqest" in done.stderr


def test_every_target_has_seeds() -> None:
    folders = sorted((ROOT / "tests/fuzz/corpus").iterdir())
    assert [folder.name for folder in folders] == ["chunked", "connection", "hlog", "request", "response", "scan"]
    for folder in folders:
        assert len(list(folder.iterdir())) >= 10, folder
    assert sum(file.stat().st_size for folder in folders for file in folder.iterdir()) < 500_000
