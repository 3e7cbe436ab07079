"""The slices of all rounds as lines of JSON, for whoever wants to look at them again. The file has its name once it is whole."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from types import TracebackType
from typing import IO

from .errors import StoreError
from .rounds import Round

NAME = "slices.ndjson"


class SliceFile:
    """None: they are not kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._stream: IO[str] | None = None

    def __enter__(self) -> SliceFile:
        if self._folder is not None:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                (self._folder / NAME).unlink(missing_ok=True)
                self._stream = self._half(self._folder).open("w", encoding="utf-8")
            except OSError as error:
                raise StoreError(f"cannot create {NAME} in {self._folder.name}/: {error.strerror}") from error
        return self

    def add(self, one: Round) -> None:
        if self._stream is None:
            return
        where = {"row": one.row.name, "round": one.number}
        try:
            self._stream.writelines(json.dumps({**where, **each}) + "\n" for each in one.alternation.slices)
            self._stream.flush()
        except OSError as error:
            raise StoreError(f"cannot write {NAME}: {error.strerror}") from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._stream is None or self._folder is None:
            return
        half = self._half(self._folder)
        with contextlib.suppress(OSError):
            self._stream.close()
        try:
            if kind is None:
                os.replace(half, self._folder / NAME)
            else:
                half.unlink()
        except OSError as failure:
            raise StoreError(f"cannot keep {NAME}: {failure.strerror}") from error

    @staticmethod
    def _half(folder: Path) -> Path:
        return folder / f".{NAME}.part"
