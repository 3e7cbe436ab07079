"""The journal and the record at the edge of what a disk does."""

from __future__ import annotations

import datetime
import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from httpdyno_bench import store
from httpdyno_bench.errors import RunError, UsageError
from httpdyno_bench.record import without_paths

HEAD: dict[str, Any] = {"revision": {"commit": "a" * 40, "dirty": False}, "suite": "base",
                        "profile": {"name": "quick"}}
NOON = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.timezone.utc)


def test_a_folder_is_named_by_date_revision_and_profile_and_never_shared(tmp_path: Path) -> None:
    names = [store.create(tmp_path, dict(HEAD), NOON).path.name for _ in range(3)]
    assert names == ["2026-11-21T1200Z-aaaaaaa-quick", "2026-11-21T1200Z-aaaaaaa-quick-2",
                     "2026-11-21T1200Z-aaaaaaa-quick-3"]


def test_what_was_appended_is_there_again(tmp_path: Path) -> None:
    folder = store.create(tmp_path, dict(HEAD), NOON)
    folder.append({"step": "one", "seconds": 1.5})
    folder.append({"step": "two", "failure": "the server died"})
    folder.append({"resumed": "now"})
    folder.close()
    again = store.reopen(folder.path)
    assert again.done == {"one"} and again.measuring_seconds == 1.5 and again.interruptions == 1
    assert again.failures == [{"step": "two", "reason": "the server died"}]
    assert again.head["name"] == folder.path.name


def test_a_line_that_was_cut_off_is_dropped_for_good(tmp_path: Path) -> None:
    folder = store.create(tmp_path, dict(HEAD), NOON)
    folder.append({"step": "one"})
    folder.close()
    with (folder.path / store.JOURNAL).open("ab") as stream:
        stream.write(b'{"step": "tw')
    again = store.reopen(folder.path)
    assert again.done == {"one"}
    again.append({"step": "three"})
    again.close()
    assert store.reopen(folder.path).done == {"one", "three"}


@pytest.mark.parametrize("half", [True, False])
def test_a_full_disk_leaves_the_journal_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, half: bool
) -> None:
    folder = store.create(tmp_path, dict(HEAD), NOON)
    folder.append({"step": "one"})
    before = (folder.path / store.JOURNAL).read_bytes()
    write = os.write

    def full(descriptor: int, content: bytes) -> int:
        if half and len(content) > 20:
            return write(descriptor, content[:-20])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store.os, "write", full)
    with pytest.raises(RunError, match="cannot write .*cells.ndjson: No space left on device"):
        folder.append({"step": "two", "seconds": 1.25})
    assert (folder.path / store.JOURNAL).read_bytes() == before
    assert folder.done == {"one"}


def test_a_full_disk_leaves_no_half_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = store.create(tmp_path, dict(HEAD), NOON)
    schema = tmp_path / "any.schema.json"
    schema.write_text("{}", encoding="utf-8")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(RunError, match="cannot write .*record.json: No space left"):
        folder.finish({"a": 1}, schema)
    assert [path.name for path in folder.path.iterdir()] == [store.JOURNAL]


def test_a_record_against_the_schema_is_not_written(tmp_path: Path) -> None:
    folder = store.create(tmp_path, dict(HEAD), NOON)
    with pytest.raises(RunError, match="does not meet record.schema.json"):
        folder.finish({"name": "something else"}, ROOT / "results" / "record.schema.json")
    assert [path.name for path in folder.path.iterdir()] == [store.JOURNAL]


def test_a_damaged_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / store.JOURNAL).write_text(json.dumps(HEAD) + "\n{broken\n", encoding="utf-8")
    with pytest.raises(UsageError, match="damaged"):
        store.reopen(tmp_path)


@pytest.mark.parametrize("text, kept", [
    ("cannot write /srv/someone/results/x.json: full", "cannot write x.json: full"),
    ("'/tmp/httpdyno-abc/loadgen.json' is gone", "'loadgen.json' is gone"),
    ("server a at http://127.0.0.1:4000/plaintext has ended", "server a at http://127.0.0.1:4000/plaintext has ended"),
    ("loadgen / wrk, 1/2 done", "loadgen / wrk, 1/2 done"),
])
def test_reasons_of_failure_lose_their_paths(text: str, kept: str) -> None:
    assert without_paths(text) == kept
