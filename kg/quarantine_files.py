"""Recognise quarantine files (one JSON object per line), count a user's rows in them, and remove them.

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
"""Bytes: rows are cut to some hundred characters, so a longer first line was not written by WhyPath."""


def is_quarantine(path: Path) -> bool:
    """Whether a file is empty, or begins with a line of a quarantine file. Raises OSError."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.readline(_LONGEST_FIRST_LINE)
    return not first or _row(first) is not None


def rows_about(path: Path, user: str) -> int:
    """Count the rows of a quarantine file that are, or may be, about a user. Raises OSError."""
    return sum(is_about for _, is_about in _lines(path, user))


def remove_user(path: Path, user: str) -> int:
    """Remove a user's rows from a quarantine file, and return how many; the others keep their order. Raises OSError."""
    removed = rows_about(path, user)
    if removed:
        with PartialFile(path) as partial:
            for line, is_about in _lines(path, user):
                if not is_about:
                    partial.file.write(line)
            partial.publish()
    return removed


def _lines(path: Path, user: str) -> Iterator[tuple[bytes, bool]]:
    """Yield every line, and whether it is about the user. Where the line does not say, any mention of the key
    counts."""
    # Not as part of a longer word: 42 does not mention the user 4.
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
