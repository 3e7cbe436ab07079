"""docs/CI.md and ci/github-actions.yml: what a reader copies is what the gate takes."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from conftest import ROOT
from httpdyno_gate.limits import check_plan
from httpdyno_gate.options import parser_of, refuse_muddle
from httpdyno_gate.outcome import Outcome
from httpdyno_gate.rows import load_rows

PAGE = (ROOT / "docs" / "CI.md").read_text(encoding="utf-8")
WORKFLOW = (ROOT / "ci" / "github-actions.yml").read_text(encoding="utf-8")


def commands(text: str) -> list[list[str]]:
    """Each call of gate.py as its arguments: a line with what it goes on in, by a backslash or by being indented deeper."""
    found = []
    lines = text.splitlines()
    for index, line in enumerate(lines):
        if not re.match(r"\s*\S*scripts/gate\.py ", line):
            continue
        words = line
        for later in lines[index + 1:]:
            if not re.match(r"\s+--", later):
                break
            words = f"{words.removesuffix(chr(92))} {later}"
        found.append(shlex.split(words)[1:])
    return found


@pytest.mark.parametrize("text", [PAGE, WORKFLOW], ids=["page", "workflow"])
def test_the_gate_takes_the_command(text: str) -> None:
    (arguments,) = commands(text)
    options = parser_of(None).parse_args(arguments)
    refuse_muddle(options)
    assert "{port}" in options.base_cmd and "{port}" in options.head_cmd and options.base_cmd != options.head_cmd
    assert options.out == Path("verdict") and options.table.name == "gate.json"


def test_the_table_of_the_page_is_one(tmp_path: Path) -> None:
    shown = PAGE.split("<<'TABLE'\n")[1].split("TABLE\n")[0]
    (tmp_path / "gate.json").write_text(shown, encoding="utf-8")
    (row,) = load_rows(tmp_path / "gate.json")
    check_plan(row.cells)
    # What is explained member by member below is the same row.
    members = json.loads(shown)["rows"][0]
    explained = PAGE.split("## The table")[1]
    assert all(f'"{name}"' in explained for name in members)


def test_the_page_has_every_exit_code() -> None:
    for outcome in Outcome:
        assert re.search(rf"^\| {outcome.exit_code} \| ({outcome.name}|the gate failed) \|", PAGE, re.MULTILINE)


def test_nothing_makes_the_workflow_green_in_spite_of_the_gate() -> None:
    steps = WORKFLOW.split("steps:")[1]
    assert "continue-on-error" not in steps and "|| true" not in steps
    # What shows the verdict runs after a red gate too.
    assert steps.count("if: always()") == 2 and steps.index("scripts/gate.py") < steps.index("if: always()")
