"""The files of a verdict in one folder. Each is there whole or not at all; verdict.json comes last, so that where it is, the
others are."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from httpdyno_bench.store import misfit, write_whole

from ..errors import StoreError
from ..outcome import Verdict
from . import junit, markdown, record

JSON, MARKDOWN, JUNIT = "verdict.json", "verdict.md", "junit.xml"
SCHEMA = Path(__file__).resolve().parents[3] / "results" / "verdict.schema.json"


def clear(folder: Path) -> None:
    """Before a run: whoever reads these files must not find an earlier run's PASS when this one ends without a verdict."""
    try:
        for name in (JSON, MARKDOWN, JUNIT):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"cannot remove the earlier verdict in {folder.name}/: {error.strerror}") from error


def write(verdict: Verdict, folder: Path) -> None:
    content = record.to_json(verdict)
    if fault := misfit(content, SCHEMA):
        raise StoreError(f"the verdict {fault}")
    texts = {
        JUNIT: junit.render(verdict),
        MARKDOWN: markdown.render(verdict),
        JSON: json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_whole(folder / name, _encodable(text))
    except OSError as error:
        with contextlib.suppress(StoreError):
            clear(folder)
        raise StoreError(f"cannot write the verdict to {folder.name}/: {error.strerror}") from error


def _encodable(text: str) -> str:
    """What a server printed may hold octets that are no text."""
    return text.encode("utf-8", errors="replace").decode("utf-8")
