"""Finding and reading records."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from httpdyno_bench.errors import UsageError
from httpdyno_bench.store import RECORD, misfit
from httpdyno_bench.tables import SUITES

from .hgrm import Distribution, read_hgrm

# Too short to say anything, and the report says so.
_PROFILES_TO_TRY_OUT = ("smoke",)


class ReportError(UsageError):
    """No usable record."""


@dataclasses.dataclass(frozen=True)
class Record:
    """A record's data and its folder, where the histograms lie."""

    folder: Path
    data: dict[str, Any]

    def distributions(self, workload: str, variant: str) -> list[Distribution]:
        """The latency histograms of loadgen's rounds."""
        files = [
            self.folder / cell["sample"]["histogram"]
            for cell in sorted(self.data["cells"], key=lambda cell: int(cell["round"]))
            if (cell["workload"], cell["variant"]) == (workload, variant) and "histogram" in cell["sample"]
        ]
        try:
            return [read_hgrm(file) for file in files]
        except (OSError, ValueError) as error:
            raise ReportError(f"{self.folder.name}: {error}") from error


def newest(results: Path, suite: str = SUITES[0]) -> Path | None:
    """The newest finished record of a suite that was measured to be believed; where there is none, the newest to try
    out."""
    folders = sorted((path.parent for path in results.glob(f"*/{RECORD}") if suite_of(path.parent) == suite), reverse=True)
    believed = (folder for folder in folders if _read(folder)["profile"]["name"] not in _PROFILES_TO_TRY_OUT)
    return next(believed, folders[0] if folders else None)


def suite_of(folder: Path) -> str:
    return str(_read(folder).get("suite", SUITES[0]))


def load(folder: Path, schema: Path) -> Record:
    data = _read(folder)
    if fault := misfit(data, schema):
        raise ReportError(f"{folder.name}/{RECORD} {fault}")
    if data["name"] != folder.name:
        raise ReportError(f"{folder.name}/{RECORD} says that it is {data['name']}")
    return Record(folder, data)


def _read(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / RECORD).read_text(encoding="utf-8")))
    except OSError as error:
        raise ReportError(f"cannot read {folder.name}/{RECORD}: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise ReportError(f"{folder.name}/{RECORD} is damaged: {error}") from error
