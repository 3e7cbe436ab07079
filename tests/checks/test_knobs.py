"""docs/KNOBS.md says what server/knobs.def says, and a bad table is one clear line."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from test_doors import ROOT


def knobs(root: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([root / "scripts/knobs.py", *flags], capture_output=True, text=True)


def copy(tmp_path: Path) -> Path:
    for name in ("scripts/knobs.py", "server/knobs.def", "docs/KNOBS.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_page_is_what_the_table_says() -> None:
    done = knobs(ROOT, "--check")
    assert (done.returncode, done.stderr) == (0, "")
    rows = (ROOT / "server/knobs.def").read_text().count("\nKNOB(")
    assert rows > 20 and (ROOT / "docs/KNOBS.md").read_text().count("\n| `--") == rows


def test_another_default_is_seen_and_mended(tmp_path: Path) -> None:
    root = copy(tmp_path)
    table = root / "server/knobs.def"
    table.write_text(table.read_text().replace("8192,", "8193,", 1))
    done = knobs(root, "--check")
    assert done.returncode == 1 and "docs/KNOBS.md" in done.stderr
    assert knobs(root).returncode == 0 and knobs(root, "--check").returncode == 0
    assert "8 193" in (root / "docs/KNOBS.md").read_text()


def test_a_bad_row_is_named(tmp_path: Path) -> None:
    root = copy(tmp_path)
    with open(root / "server/knobs.def", "a") as table:
        table.write("KNOB(half, int)\n")
    done = knobs(root, "--check")
    assert done.returncode == 2 and done.stderr == "knobs.py: server/knobs.def: no row of the table: KNOB(half, int)\n"
