"""Quarantine files as they lie on disk, one JSON object a line: whether a file is one, and how a user's rows leave it.

Every line has `file`, `line`, `section`, `reason` and `detail`, `users` (the users that the row is about, null where a
row could not be read far enough to know), and `raw`, the row itself without sensitive columns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kg.durable import PartialFile

_FIELDS = frozenset({"file", "line", "section", "reason", "detail"})

_LONGEST_FIRST_LINE = 1 << 20
"""Bytes: rows are cut to some hundred characters, so a first line that is longer is none of ours."""


def is_quarantine(path: Path) -> bool:
    """Whether a file is empty, or begins with a line of a quarantine. Raises OSError."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.readline(_LONGEST_FIRST_LINE)
    return not first or _row(first) is not None


def rows_about(path: Path, user: str) -> int:
    """How many rows of a quarantine file are about a user, or may be. Raises OSError."""
    return sum(is_about for _, is_about in _lines(path, user))


def remove_user(path: Path, user: str) -> int:
    """Take a user's rows out of a quarantine file, and say how many; the others keep their order. Raises OSError."""
    removed = rows_about(path, user)
    if removed:
        with PartialFile(path) as partial:
            for line, is_about in _lines(path, user):
                if not is_about:
                    partial.file.write(line)
            partial.publish()
    return removed


def _lines(path: Path, user: str) -> Iterator[tuple[bytes, bool]]:
    """Every line, and whether it is about the user. Where the row itself does not say, every mention counts."""
    # Not as a part of a longer word: the user 4 is not meant by 42.
    mention = re.compile(rf"(?<!\w){re.escape(user)}(?!\w)")
    with path.open("rb") as file:
        for line in file:
            row = _row(line)
            users = None if row is None else row.get("users")
            if isinstance(users, list):
                yield line, user in users
            elif row is None:
                yield line, mention.search(line.decode(errors="replace")) is not None
            else:
                yield line, any(mention.search(str(row.get(name, ""))) for name in ("raw", "detail"))


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) and row.keys() >= _FIELDS else None
