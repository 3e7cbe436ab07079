"""Where a run is kept: a folder of its own under results/, which nothing ever overwrites.

While a run is on, its folder holds cells.ndjson: first what the run is, then a line for each finished step, appended
whole or not at all. When the last step is done, record.json is made of it and takes its place. A folder with a journal
and without a record is a run that can go on.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema

from .errors import RunError, UsageError
from .tables import SUITES

JOURNAL = "cells.ndjson"
RECORD = "record.json"
SCHEMA_VERSION = 1


class RunFolder:
    """A run's folder and its journal, open for appending."""

    def __init__(self, path: Path, head: dict[str, Any], lines: list[dict[str, Any]]) -> None:
        self.path = path
        self.head = head
        self._lines = lines
        self._journal = os.open(path / JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    @property
    def done(self) -> set[str]:
        return {line["step"] for line in self._lines if "step" in line and "failure" not in line}

    @property
    def steps(self) -> list[dict[str, Any]]:
        return [line for line in self._lines if "step" in line and "failure" not in line]

    @property
    def failures(self) -> list[dict[str, str]]:
        return [{"step": line["step"], "reason": line["failure"]} for line in self._lines if "failure" in line]

    @property
    def interruptions(self) -> int:
        return sum("resumed" in line for line in self._lines)

    @property
    def measuring_seconds(self) -> float:
        return sum(float(line.get("seconds", 0.0)) for line in self._lines)

    def append(self, line: dict[str, Any]) -> None:
        """One line, whole or not at all: a full disk leaves the journal as it was."""
        content = (json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n").encode()
        size = os.fstat(self._journal).st_size
        try:
            rest = content
            while rest:  # After a short write the next one says why.
                rest = rest[os.write(self._journal, rest):]
            os.fsync(self._journal)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._journal, size)
            raise RunError(f"cannot write {self.path.name}/{JOURNAL}: {error.strerror}") from error
        self._lines.append(line)

    def finish(self, record: Mapping[str, Any], schema: Path) -> Path:
        """The record takes the journal's place, whole."""
        target = self.path / RECORD
        keep(record, schema, target)
        (self.path / JOURNAL).unlink()
        return target

    def close(self) -> None:
        os.close(self._journal)


def utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def timestamp() -> str:
    return utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")


def keep(record: Mapping[str, Any], schema: Path, target: Path) -> None:
    """A record that meets its schema, whole or not at all."""
    if fault := misfit(record, schema):
        raise RunError(f"the record {fault}")
    try:
        write_whole(target, json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    except OSError as error:
        raise RunError(f"cannot write {target.parent.name}/{target.name}: {error.strerror}") from error


def misfit(record: Mapping[str, Any], schema: Path) -> str | None:
    """Where a record does not meet its schema."""
    try:
        jsonschema.validate(record, json.loads(schema.read_text(encoding="utf-8")))
    except jsonschema.ValidationError as error:
        where = "/".join(map(str, error.absolute_path))
        return f"does not meet {schema.name}: {where}: {error.message}"
    return None


def new_folder(out: Path, commit: str, what: str, when: datetime.datetime) -> Path:
    """Named by date, revision and what is in it; a second one of the same minute gets a number."""
    stem = f"{when:%Y-%m-%dT%H%MZ}-{commit[:7]}-{what}"
    out.mkdir(parents=True, exist_ok=True)
    for number in range(1, 1000):
        path = out / (stem if number == 1 else f"{stem}-{number}")
        try:
            path.mkdir()
            return path
        except FileExistsError:
            continue
    raise OSError(17, "a thousand records of one minute")


def create(out: Path, head: dict[str, Any], when: datetime.datetime) -> RunFolder:
    """A new folder for a run of a profile. That of the first suite, the usual one, goes without saying."""
    suite, profile = head["suite"], head["profile"]["name"]
    try:
        path = new_folder(out, head["revision"]["commit"], profile if suite == SUITES[0] else f"{suite}-{profile}", when)
        head = {"name": path.name, **head}
        # A journal without its head could not go on.
        write_whole(path / JOURNAL, json.dumps(head, ensure_ascii=False) + "\n")
    except OSError as error:
        raise UsageError(f"cannot create a record in {out.name}/: {error.strerror}") from error
    return RunFolder(path, head, [])


def reopen(path: Path) -> RunFolder:
    """An interrupted run's folder. A last line that was cut off is dropped; its step is measured again."""
    journal = path / JOURNAL
    if (path / RECORD).exists():
        raise UsageError(f"{path.name} is finished, there is nothing to resume")
    try:
        content = journal.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) != len(content):
            os.truncate(journal, len(whole))
        head, *lines = [json.loads(line) for line in whole.splitlines()]
        return RunFolder(path, head, lines)
    except FileNotFoundError:
        raise UsageError(f"--resume {path.name}: there is no interrupted run of that name") from None
    except OSError as error:
        raise UsageError(f"cannot read {path.name}/{JOURNAL}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path.name}/{JOURNAL} is damaged: {error}") from error


def write_whole(target: Path, content: str) -> None:
    """The file appears with all of its content or not at all."""
    half = target.with_name(f".{target.name}.part")
    try:
        with half.open("x", encoding="utf-8") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(half, target)
    except OSError:
        with contextlib.suppress(OSError):
            half.unlink()
        raise
