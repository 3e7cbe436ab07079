"""The verdict as JUnit XML, which CI servers show test by test: one case for the run and one for each cell and count.

REGRESSION is a failure, INCONCLUSIVE is skipped; where there is no verdict (INVALID, UNFIT, an error of the gate) the case of
the run is an error, and of a run that may not be believed each case is. The exit code says it too.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

from ..judge import Zone
from ..limits import METRICS
from ..outcome import Outcome, Verdict
from . import wording

_RUN = {Outcome.REGRESSION: "failure", Outcome.INCONCLUSIVE: "skipped"}
# None: a count that is shown and not judged.
_CASE = {Zone.REGRESSION: "failure", Zone.INCONCLUSIVE: "skipped", None: "skipped"}
# What XML 1.0 cannot hold, not even escaped.
_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(verdict: Verdict) -> str:
    suite = ElementTree.Element("testsuite", name="httpdyno gate")
    reason = "; ".join(verdict.reasons)
    run = None if verdict.outcome is Outcome.PASS else _RUN.get(verdict.outcome, "error")
    _add(suite, "gate", "verdict", run, f"{verdict.outcome.name}: {reason}")
    for result in verdict.results:
        kind = "error" if wording.void(verdict) else _CASE.get(result.zone)
        text = (f"{wording.loss(result.loss)} ({wording.interval(result)}, {result.rounds} rounds); tolerated "
                f"{wording.limit(result.limits.tolerated)}, layout floor {wording.limit(result.layout_floor)}; sees from "
                f"{wording.limit(result.smallest_visible)}")
        _add(suite, result.cell.row, METRICS[result.cell.metric].title, kind, text)
    for count in verdict.counts:
        kind = "error" if wording.void(verdict) else _CASE.get(count.zone)
        _add(suite, count.row, f"{count.name} per request", kind, wording.count_line(verdict, count))
    suite.set("tests", str(len(suite)))
    for kind, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{kind}"))))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _add(suite: ElementTree.Element, row: str, name: str, kind: str | None, text: str) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=_speakable(row), name=_speakable(name))
    if kind is None:
        ElementTree.SubElement(case, "system-out").text = _speakable(text)
    else:
        ElementTree.SubElement(case, kind, message=_speakable(text))


def _speakable(text: str) -> str:
    return _UNSPEAKABLE.sub("\ufffd", text)
