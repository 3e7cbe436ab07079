"""The four formats of a verdict: each says what was found, and none is green but for PASS."""

from __future__ import annotations

import errno
import json
import math
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from httpdyno_gate.errors import StoreError
from httpdyno_gate.judge import CellResult, Zone
from httpdyno_gate.limits import Cell, limits
from httpdyno_gate.outcome import CountResult, Outcome, Verdict, conclude
from httpdyno_gate.outputs import files, junit, markdown, record, terminal, wording


def cell(zone: Zone, loss: float = 0.0051, low: float = 0.003, high: float = 0.007, metric: str = "cpu") -> CellResult:
    return CellResult(
        Cell("keep-alive", metric), zone, loss, low, high, 12, 0.002 + (high - low), limits(metric, 0.002, 0.01), None, 0.0002)


PASSED = [cell(Zone.PASS, 0.0003, -0.002, 0.0026), cell(Zone.PASS, 0.0, -0.1, 0.003, "throughput")]
LOST = [*PASSED, cell(Zone.REGRESSION, metric="tail-p99")]
OPEN = [*PASSED, cell(Zone.INCONCLUSIVE, 0.0, -math.inf, math.inf, "tail-p99")]
SAME = CountResult("keep-alive", "allocations", Zone.PASS, 1, 1)
MORE = CountResult("keep-alive", "instructions", Zone.REGRESSION, 13210, 13310.5, "parse_head +100")
ABOUT = {"base": "abc1234", "head": "worktree", "seconds": 150.5, "machine": {"cpu": "some"}}

VERDICTS = {
    Outcome.PASS: conclude(PASSED, [SAME], ABOUT),
    Outcome.REGRESSION: conclude(LOST, [SAME, MORE], ABOUT),
    Outcome.ERROR: conclude(PASSED, [SAME], ABOUT, error="disk full"),
    Outcome.INCONCLUSIVE: conclude(OPEN, [], ABOUT),
    Outcome.UNFIT: conclude([], [SAME], ABOUT, unfit=["load 7.1: wait, or stop what else runs"]),
    Outcome.INVALID: conclude(PASSED, [SAME], ABOUT, invalid=["the head's server died (signal 11)"]),
}


@pytest.fixture(params=list(VERDICTS), ids=lambda outcome: outcome.name)
def verdict(request: pytest.FixtureRequest) -> Verdict:
    return VERDICTS[request.param]


def test_each_outcome_is_one_of_the_cases() -> None:
    assert {verdict.outcome for verdict in VERDICTS.values()} == set(Outcome)
    assert all(verdict.outcome is outcome for outcome, verdict in VERDICTS.items())


def test_the_terminal_ends_with_outcome_and_exit_code(verdict: Verdict) -> None:
    text = terminal.render(verdict)
    last = text.splitlines()[-1]
    assert last.startswith(f"{verdict.outcome.name} (exit {verdict.outcome.exit_code}): ") and text.endswith("\n")
    assert all(reason in text for reason in verdict.reasons)
    if verdict.results:
        (head, *rows) = text.splitlines()[: 1 + len(verdict.results)]
        columns = [head.index(name) for name in wording.HEADER]
        assert all(row[column - 1] == " " for row in rows for column in columns[1:]), "columns line up"


def test_the_terminal_says_every_figure_of_a_cell() -> None:
    text = terminal.render(VERDICTS[Outcome.REGRESSION])
    row = next(line for line in text.splitlines() if "beyond the base's p99" in line)
    for figure in ("REGRESSION", "+0.51 %", "+0.30 % … +0.70 %", "12", "0.60 %", "0.20 %", "1.00 %", "not measured"):
        assert figure in row
    assert "REGRESSION: keep-alive, instructions: 13,210 → 13,310.5 per request (parse_head +100)" in text
    assert "exact counts per request: 2 judged, 1 not as they should be\n" in text
    assert "unbounded … unbounded" in terminal.render(VERDICTS[Outcome.INCONCLUSIVE])


@pytest.mark.parametrize("loss, text", [
    (0.0, "+0.00 %"), (math.log(1.005), "+0.50 %"), (math.log(0.85), "-15 %"), (math.log(2), "+100 %"), (math.inf, "unbounded"),
    (-math.inf, "unbounded")])
def test_losses_read_as_shares(loss: float, text: str) -> None:
    assert wording.loss(loss) == text


def test_what_may_not_be_believed_shows_nothing_as_passed() -> None:
    for outcome in (Outcome.INVALID, Outcome.ERROR):
        verdict = VERDICTS[outcome]
        assert "PASS" not in terminal.render(verdict) and "PASS" not in markdown.render(verdict)
        assert {row["zone"] for row in record.to_json(verdict)["cells"]} == {None}
        assert {row["zone"] for row in record.to_json(verdict)["counts"]} == {None}
        cases = ElementTree.fromstring(junit.render(verdict)).findall("testsuite/testcase")
        assert len(cases) == 4 and all(case.find("error") is not None for case in cases)


def test_junit_fails_errs_and_skips(verdict: Verdict) -> None:
    suite = ElementTree.fromstring(junit.render(verdict)).find("testsuite")
    assert suite is not None
    kinds = {"PASS": None, "REGRESSION": "failure", "INCONCLUSIVE": "skipped"}
    run, *cases = suite.findall("testcase")
    expected = kinds.get(verdict.outcome.name, "error")
    assert (run[0].tag if expected else None) == expected and (expected or run[0].tag == "system-out")
    assert len(cases) == len(verdict.results) + len(verdict.counts)
    if verdict.outcome in (Outcome.PASS, Outcome.REGRESSION, Outcome.INCONCLUSIVE):
        for case, zone in zip(cases, [its.zone for its in (*verdict.results, *verdict.counts)]):
            assert case[0].tag == (kinds[zone.value] or "system-out")
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.attrib[attribute]) == sum(case[0].tag == tag for case in suite.findall("testcase"))
    assert int(suite.attrib["tests"]) == 1 + len(cases)
    # Green, to whoever adds up failures, errors and skipped, is PASS alone.
    red = sum(int(suite.attrib[attribute]) for attribute in ("failures", "errors", "skipped"))
    assert (red == 0) == (verdict.outcome is Outcome.PASS)


def test_a_count_that_is_not_judged_is_shown_as_that(tmp_path: Path) -> None:
    shown = CountResult("pool", "instructions", None, 900, 950, "threads take turns")
    verdict = conclude(PASSED, [SAME, shown], ABOUT)
    assert verdict.outcome is Outcome.PASS
    for text in (terminal.render(verdict), markdown.render(verdict)):
        assert "1 judged, 0 not as they should be, 1 shown and not judged" in text
        assert "not judged: pool, instructions: 900 → 950 per request (threads take turns)" in text
    case = ElementTree.fromstring(junit.render(verdict)).findall("testsuite/testcase")[-1]
    assert case[0].tag == "skipped" and "not judged" in case[0].attrib["message"]
    assert [row["zone"] for row in record.to_json(verdict)["counts"]] == ["PASS", None]
    files.write(verdict, tmp_path)


def test_markdown_has_a_heading_and_a_table(verdict: Verdict) -> None:
    text = markdown.render(verdict)
    assert text.startswith(f"## {verdict.outcome.name}: ")
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == (2 + len(verdict.results) if verdict.results else 0)
    assert len({line.count("|") for line in table}) <= 1
    assert "base abc1234" in text


def test_a_comment_cannot_be_broken_into(tmp_path: Path) -> None:
    """What a server said last, and names from a table, are not Markdown's, nor HTML's, nor XML's to read."""
    wild = "</td><script>x</script> | `a` *b* [c](http://d) \x00\x1b[31m\ud800"
    verdict = conclude([cell(Zone.PASS)], [CountResult("a|b\n# c", wild, Zone.REGRESSION, None, 1, wild)], {"base": wild})
    text = markdown.render(verdict)
    assert "<script" not in text.replace("\\<script", "") and "\n# c" not in text
    tree = ElementTree.fromstring(junit.render(verdict))
    assert tree.findall("testsuite/testcase")[-1].attrib["name"].startswith("</td><script>")
    files.write(verdict, tmp_path)
    many = conclude([], [], {}, invalid=[f"fault {number}" for number in range(100)])
    assert "and 80 more" in markdown.render(many) and "fault 20" not in markdown.render(many)


def test_the_files_meet_the_schema_and_are_strict_json(verdict: Verdict, tmp_path: Path) -> None:
    files.write(verdict, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["junit.xml", "verdict.json", "verdict.md"]

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    read = json.loads((tmp_path / "out" / "verdict.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert (read["outcome"], read["exit_code"]) == (verdict.outcome.name, verdict.outcome.exit_code)
    assert read["provenance"] == ABOUT and read["reasons"] == list(verdict.reasons)
    for row, result in zip(read["cells"], verdict.results):
        assert row["ratio"] == pytest.approx(result.ratio) and (row["low"] is None) == math.isinf(result.low)
        assert row["tolerated"] == pytest.approx(1.002) and row["matters"] == pytest.approx(1.01)


def test_the_schema_knows_a_lie() -> None:
    """An outcome that is not PASS with the exit code of one, and a cell without its interval."""
    content = record.to_json(VERDICTS[Outcome.REGRESSION])
    assert files.misfit(content, files.SCHEMA) is None
    assert files.misfit({**content, "exit_code": 0}, files.SCHEMA)
    assert files.misfit({**record.to_json(VERDICTS[Outcome.PASS]), "exit_code": 1}, files.SCHEMA)
    assert files.misfit({**content, "reasons": []}, files.SCHEMA)
    del content["cells"][0]["low"]
    assert files.misfit(content, files.SCHEMA)


def test_an_earlier_verdict_does_not_outlive_its_run(tmp_path: Path) -> None:
    files.write(VERDICTS[Outcome.PASS], tmp_path)
    (tmp_path / "slices.ndjson").touch()
    files.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["slices.ndjson"]
    files.clear(tmp_path / "not there yet")


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Full at the first file, at the second and at the third: none stays, and one line says why."""
    real = os.fsync
    for room in range(3):
        left = room

        def fsync(file: int) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            real(file)

        monkeypatch.setattr(os, "fsync", fsync)
        with pytest.raises(StoreError, match="cannot write the verdict to .*: No space left on device") as raised:
            files.write(VERDICTS[Outcome.PASS], tmp_path)
        assert raised.value.exit_code == 2 and list(tmp_path.iterdir()) == []


def test_what_json_cannot_say_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        files.write(conclude(PASSED, [SAME], {"seconds": math.nan}), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError):
        files.write(VERDICTS[Outcome.PASS], tmp_path / "file")
