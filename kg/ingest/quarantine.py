"""The quarantine: bad rows as JSON lines with file, line and reason, counted; the file appears whole or not at all."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from kg.errors import WhyPathError
from kg.rows import Position
from kg.sources import BadRecord, RawRecord, Reason
from kg.sources.records import shown

FIRST_ROWS = 10
"""Bad rows that a report shows; all of them are in the file."""


class QuarantineError(WhyPathError):
    """The quarantine file cannot be written where it should be."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row, or one relation of a row, that was not loaded; in a graph `file` names the element and `line` is 0."""

    file: str
    line: int
    section: str
    reason: Reason
    detail: str

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{place} ({self.section}): {self.reason}: {self.detail}"


class Quarantine:
    """Collects bad rows in a temporary file beside `path`, which `publish` puts in its place; without a path it only
    counts.

    Leaving it without `publish` removes the temporary file and leaves what was at `path` alone.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.counts: Counter[Reason] = Counter()
        self.by_section: Counter[str] = Counter()
        self.first: list[BadRow] = []
        self._file: IO[str] | None = None
        self._temporary: Path | None = None

    def __enter__(self) -> Self:
        if self.path is not None:
            temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
            try:
                # Not mkstemp, whose files only their owner may read: the quarantine is an ordinary file.
                self._file = temporary.open("w", encoding="utf-8")
            except OSError as error:
                raise QuarantineError(
                    f"{self.path}: bad rows cannot be written there ({error.strerror}); name another quarantine file"
                ) from None
            self._temporary = temporary
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)

    @property
    def total(self) -> int:
        """Bad rows so far."""
        return self.counts.total()

    def add(self, record: RawRecord | BadRecord, section: str, reason: Reason, detail: str) -> None:
        """Put a row in."""
        self._put(record.position, section, reason, detail, _raw_text(record))

    def add_bad(self, record: BadRecord, section: str) -> None:
        """Put in a row that its reader could not read."""
        self._put(record.position, section, record.reason, record.detail, record.raw)

    def add_element(
        self, element: str, section: str, reason: Reason, detail: str, values: Mapping[str, object]
    ) -> None:
        """Put in a node or relationship of a graph; `element` is its element id there, `values` what was read of it."""
        raw = shown(json.dumps(dict(values), ensure_ascii=False, default=str))
        self._put(Position(f"element {element}", 0), section, reason, detail, raw)

    def publish(self) -> Path | None:
        """Put the file in its place, durably; returns its path, None if there is nothing to see.

        Without bad rows no file is made; one left from an earlier load becomes empty, as it no longer tells the truth.
        """
        if self.path is None or self._file is None or self._temporary is None:
            return None
        if not self.total and not self.path.exists():
            return None
        self._file.flush()
        os.fsync(self._file.fileno())
        self._temporary.replace(self.path)
        self._temporary = None
        return self.path if self.total else None

    def _put(self, position: Position, section: str, reason: Reason, detail: str, raw: str) -> None:
        self.counts[reason] += 1
        self.by_section[section] += 1
        detail = shown(detail)
        if len(self.first) < FIRST_ROWS:
            self.first.append(BadRow(position.file, position.line, section, reason, detail))
        if self._file is not None:
            line = {
                "file": position.file,
                "line": position.line,
                "section": section,
                "reason": str(reason),
                "detail": detail,
                "raw": raw,
            }
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _raw_text(record: RawRecord | BadRecord) -> str:
    if isinstance(record, BadRecord):
        return record.raw
    return shown(json.dumps(dict(record.values), ensure_ascii=False, default=str))
