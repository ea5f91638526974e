"""Count bad rows and write them to the quarantine: JSON lines with file, line and reason, a file written atomically.

Bad rows hold personal data: only the owner may read the file, sensitive columns are left out, and every row names the
users that it is about, so that a forgotten user can be removed (`kg.quarantine_files`).
"""

from __future__ import annotations

import json
import posixpath
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from kg.checking.row_marks import RowMarks
from kg.durable import OWNER_ONLY, PartialFile
from kg.errors import WhyPathError
from kg.quarantine_files import is_quarantine
from kg.rows import Position
from kg.sources import BadRecord, RawRecord, Reason
from kg.sources.records import is_bad_text, shown

FIRST_ROWS = 10
"""Number of bad rows that a report shows; the file has all."""

UsersOf = Callable[[RawRecord], tuple[str, ...] | None]
"""The users that a record is about; None where it is about users but too damaged to tell which."""

_WITHHELD = "(not kept: the file has sensitive columns)"


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
    """Collects bad rows in a temporary file beside `path`, which `publish` renames to `path`; without a path it only
    counts.

    Leaving the context without `publish` removes the temporary file and leaves `path` unchanged.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.counts: Counter[Reason] = Counter()
        self.by_section: Counter[str] = Counter()
        self.first: list[BadRow] = []
        self._file: PartialFile | None = None
        self.marks = RowMarks()
        self._sensitive: dict[str, set[str]] = {}
        self._users: dict[tuple[str, str], UsersOf] = {}

    def __enter__(self) -> Self:
        """Raises QuarantineError for a path that another file is at, or that cannot be written."""
        if self.path is not None:
            try:
                if self.path.exists() and not is_quarantine(self.path):
                    raise QuarantineError(
                        f"{self.path} exists and is not a quarantine file, so bad rows are not written over it; nothing"
                        " was changed. Name another quarantine file"
                    )
                self._file = PartialFile(self.path, mode=OWNER_ONLY)
            except OSError as error:
                raise QuarantineError(
                    f"{self.path}: bad rows cannot be written there ({error.strerror}); name another quarantine file"
                ) from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.discard()

    @property
    def total(self) -> int:
        """Number of bad rows so far."""
        return self.counts.total()

    def withhold(self, source: str, columns: frozenset[str]) -> None:
        """Keep columns of a source out of the file."""
        if columns:
            self._sensitive.setdefault(posixpath.normpath(source), set()).update(columns)

    def identify(self, section: str, source: str, users_of: UsersOf) -> None:
        """Set the function that finds the users that a section's records of a source are about."""
        self._users[section, source] = users_of

    def add(self, record: RawRecord | BadRecord, section: str, reason: Reason, detail: str) -> None:
        """Add a row."""
        if isinstance(record, BadRecord):
            # It could not be split into columns, so no column can be left out, and no user is known.
            raw = _WITHHELD if posixpath.normpath(record.position.file) in self._sensitive else record.raw
            users = None if any(source == record.position.file for _, source in self._users) else ()
        else:
            hidden = self._sensitive.get(posixpath.normpath(record.position.file), set())
            raw = _raw_text({column: cell for column, cell in record.values.items() if column not in hidden})
            find = self._users.get((section, record.position.file))
            users = find(record) if find is not None else ()
        self._put(record.position, section, reason, detail, raw, users)

    def add_bad(self, record: BadRecord, section: str) -> None:
        """Add a row that its reader could not read."""
        self.add(record, section, record.reason, record.detail)

    def add_element(
        self,
        element: str,
        section: str,
        reason: Reason,
        detail: str,
        values: Mapping[str, object],
        users: tuple[str, ...] = (),
    ) -> None:
        """Add a node or relationship of a graph; `element` is its element id there, `values` its values that were read
        and are not sensitive, `users` the users that it is about.
        """
        self._put(Position(f"element {element}", 0), section, reason, detail, _raw_text(values), users)

    def publish(self) -> Path | None:
        """Publish the file durably; returns its path, None if there are no bad rows.

        Without bad rows no file is made; one left from an earlier load becomes empty, as it is out of date.
        """
        if self.path is None or self._file is None:
            return None
        if not self.total and not self.path.exists():
            return None
        self._file.publish()
        return self.path if self.total else None

    def _put(
        self,
        position: Position,
        section: str,
        reason: Reason,
        detail: str,
        raw: str,
        users: tuple[str, ...] | None,
    ) -> None:
        self.counts[reason] += 1
        self.by_section[section] += 1
        if position.line:
            self.marks.bad(position)
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
                "users": None if users is None else [user for user in users if not is_bad_text(user)],
                "raw": raw,
            }
            self._file.file.write((json.dumps(line, ensure_ascii=False) + "\n").encode())


def _raw_text(values: Mapping[str, object]) -> str:
    return shown(json.dumps(dict(values), ensure_ascii=False, default=str))
