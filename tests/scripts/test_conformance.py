"""docs/CONFORMANCE.md and docs/POOL.md are what scripts/conformance.py makes, and the script lets nothing pass that does not fit together."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "conformance.py"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the script reads, to be spoilt."""
    for path in ("tests/conformance", "tests/e2e/rows.json", "tests/e2e/pitfalls.json", "docs/CONFORMANCE.md", "docs/POOL.md"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / path).is_dir():
            shutil.copytree(ROOT / path, tmp_path / path)
        else:
            shutil.copy(ROOT / path, tmp_path / path)
    return tmp_path


def edit_rows(root: Path, key: str, tests: list[str]) -> None:
    path = root / "tests/e2e/rows.json"
    rows = json.loads(path.read_text())
    rows[key] = tests
    path.write_text(json.dumps(rows))


def test_the_page_is_what_the_script_makes() -> None:
    done = run("--check")
    assert (done.returncode, done.stderr) == (0, "")


def test_every_rule_and_every_trouble_has_its_row() -> None:
    lines = (ROOT / "docs/CONFORMANCE.md").read_text().splitlines()
    numbers = [line.split("|")[1].strip() for line in lines if line.startswith("|") and line[2].isdigit()]
    assert numbers == [str(number) for number in range(1, 80)]
    troubles = [line.split("|")[1].strip() for line in lines if line.startswith("| T")]
    assert troubles == [f"T{number}" for number in range(1, 33)]
    assert all(line.split("|")[-2].strip() for line in lines if line.startswith("|"))


def test_every_pitfall_has_its_row() -> None:
    lines = (ROOT / "docs/POOL.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.split("|")] for line in lines if line.startswith("| P")]
    assert [row[1] for row in rows] == [f"P{number}" for number in range(1, 43)]
    assert all(len(row) == 6 and all(row[1:5]) for row in rows)


@pytest.mark.parametrize("name, before, after", [("CONFORMANCE.md", "400", "200"), ("POOL.md", "503", "200")])
def test_a_stale_page_is_noticed(copy: Path, name: str, before: str, after: str) -> None:
    assert run("--check", "--root", str(copy)).returncode == 0
    page = copy / "docs" / name
    page.write_text(page.read_text().replace(before, after, 1))
    assert run("--check", "--root", str(copy)).returncode == 1
    assert run("--root", str(copy)).returncode == 0
    assert run("--check", "--root", str(copy)).returncode == 0
    page.unlink()
    assert run("--check", "--root", str(copy)).returncode == 1


def test_a_case_of_an_unknown_rule_is_an_error(copy: Path) -> None:
    with (copy / "tests/conformance/1-lines.md").open("a") as cases:
        cases.write("\n## New\n\nRules: 80\n\n- 200, stays\n")
    done = run("--check", "--root", str(copy))
    assert done.returncode == 2 and "no rule 80" in done.stderr


def test_a_heading_without_a_case_is_an_error(copy: Path) -> None:
    with (copy / "tests/conformance/1-lines.md").open("a") as cases:
        cases.write("\n## New\n\nRules: 1\n")
    done = run("--check", "--root", str(copy))
    assert done.returncode == 2 and "no cases" in done.stderr


@pytest.mark.parametrize("key, about", [("H79", "rule 79"), ("T26", "T26"), ("P42", "P42")])
def test_a_row_without_a_test_is_an_error(copy: Path, key: str, about: str) -> None:
    edit_rows(copy, key, [])
    done = run("--check", "--root", str(copy))
    assert done.returncode == 2 and f"no test shows {about}" in done.stderr


@pytest.mark.parametrize("key", ["H80", "H0", "T34"])
def test_a_test_for_an_unknown_row_is_an_error(copy: Path, key: str) -> None:
    edit_rows(copy, key, ["unit: Date.IsTheRfcsOwnExample"])
    done = run("--check", "--root", str(copy))
    assert done.returncode == 2 and f"no row {key}" in done.stderr
