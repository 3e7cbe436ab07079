"""Other readers of histograms find in our files what we wrote, and we in theirs: HdrHistogram's Java library (Debian's
libhdrhistogram-java) and npm's hdr-histogram-js."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
BIN = Path(os.environ.get("HTTPDYNO_BIN") or HERE.parents[2] / "build" / "release" / "bin")
JAR = Path("/usr/share/java/hdrhistogram.jar")
MODULES = HERE / "node_modules"
TAGS = ["uniform", "exponential", "pareto", "bimodal", "small", "one", "highest", "zeros", "nothing"]
SECONDS = 4


def missing() -> list[str]:
    return [what for what, there in {
        "java (default-jdk-headless)": shutil.which("java"),
        f"{JAR} (libhdrhistogram-java)": JAR.exists(),
        "node (nodejs)": shutil.which("node"),
        f"{MODULES}/hdr-histogram-js (npm ci)": (MODULES / "hdr-histogram-js").exists(),
    }.items() if not there]


if missing():
    NOT_HERE = f"scripts/setup has not installed: {', '.join(missing())}"
    if os.environ.get("CI") == "true":
        pytest.fail(NOT_HERE, pytrace=False)
    pytest.skip(NOT_HERE, allow_module_level=True)


def run(*command: str | Path, **variables: str) -> str:
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=110,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("ours")
    run(BIN / "write_histograms", place)
    return place


@pytest.fixture(scope="module")
def of_java(ours: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("java")
    run("java", "-cp", JAR, HERE / "ReadHistograms.java", ours / "seconds.hlog", place)
    return place


@pytest.fixture(scope="module")
def of_js(ours: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("js")
    run("node", HERE / "read_histograms.js", ours / "seconds.hlog", place)
    return place


def facts(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.parametrize("reader", ["of_java", "of_js"])
@pytest.mark.parametrize("file, count", [("intervals.ndjson", SECONDS * len(TAGS)), ("totals.ndjson", len(TAGS))])
def test_counts_percentiles_and_maximum_are_equal(
        ours: Path, reader: str, file: str, count: int, request: pytest.FixtureRequest) -> None:
    written = facts(ours / file)
    read = facts(request.getfixturevalue(reader) / file)
    assert len(written) == len(read) == count
    assert sum(each["total"] for each in written) > 200_000
    for expected, found in zip(written, read, strict=True):
        for key, value in expected.items():
            assert found[key] == value, f"{expected['tag']}: {key}"


def test_distributions_are_those_of_java_octet_by_octet(ours: Path, of_java: Path) -> None:
    for tag in TAGS:
        assert (ours / f"{tag}.hgrm").read_bytes() == (of_java / f"{tag}.hgrm").read_bytes(), tag


@pytest.mark.parametrize("tag", ["exponential", "bimodal"])
def test_the_processor_of_logs_makes_the_same_distribution(ours: Path, tag: str, tmp_path: Path) -> None:
    run("java", "-cp", JAR, "org.HdrHistogram.HistogramLogProcessor", "-i", ours / "seconds.hlog", "-tag", tag,
        "-o", tmp_path / "out", "-outputValueUnitRatio", "1000000")
    # In front of the distribution it says which part of the log that is.
    lines = (tmp_path / "out.hgrm").read_text().splitlines(keepends=True)
    assert [line.split(":")[0].split()[0] for line in lines[:2]] == ["#[Overall", "#[StartTime"]
    assert "".join(lines[2:]) == (ours / f"{tag}.hgrm").read_text()


@pytest.mark.parametrize("writer", ["of_java", "of_js"])
def test_a_log_that_they_write_is_read_as_ours(
        ours: Path, writer: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    theirs = request.getfixturevalue(writer) / "seconds.hlog"
    log = (ours / "seconds.hlog").read_text()
    assert theirs.read_text() != log
    run(BIN / "loadgen", "merge", theirs, "--hlog", tmp_path / "read.hlog", "--hgrm", tmp_path / "read.hgrm",
        "--tag", "pareto")
    assert (tmp_path / "read.hlog").read_text() == log
    assert (tmp_path / "read.hgrm").read_text() == (ours / "pareto.hgrm").read_text()
