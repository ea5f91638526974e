"""Read the intact rows of a damaged log of events, skipping those that cannot be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from kg.rows import Event
from kg.stores.event_rows import COLUMNS, event_of
from kg.stores.sqlite import DamagedContent
from kg.stores.sqlite.content import LARGEST_INTEGER

_MOST_FAILURES = 2_000
"""Number of failed attempts after which the rest is given up: each damaged page costs about twenty."""


def readable_events(path: Path, after: int = 0) -> list[Event]:
    """Events of a file after a number, in order, each id once; none if it is not a database."""
    events: dict[str, Event] = {}
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)) as file:
            for event in _rows(file, after):
                events.setdefault(event.id, event)
    except (sqlite3.Error, OSError):
        pass
    return list(events.values())


def _rows(connection: sqlite3.Connection, at: int) -> Iterator[Event]:
    failures = 0

    def after(number: int) -> tuple | None:
        """The next row; None if it cannot be read, an empty one if there is none."""
        nonlocal failures
        try:
            query = f"SELECT number, {COLUMNS} FROM event WHERE number > ? ORDER BY number LIMIT 1"
            row = connection.execute(query, (number,)).fetchone() or ()
        except sqlite3.Error:
            failures += 1
            return None
        if row and not (isinstance(row[0], int) and row[0] > number):
            failures += 1
            return None
        return row

    while failures < _MOST_FAILURES:
        row = after(at)
        if row is None:
            at = _beyond(after, at)
            if at >= LARGEST_INTEGER:
                return
            continue
        if not row:
            return
        try:
            yield event_of(row[1:])
        except DamagedContent:
            failures += 1
        at = row[0]


def _beyond(after: Callable[[int], tuple | None], at: int) -> int:
    """The first number after which a row can be read again, or LARGEST_INTEGER."""
    bad, step = at, 1
    while after(at + step) is None:
        bad, step = at + step, step * 2
        if at + step >= LARGEST_INTEGER:
            return LARGEST_INTEGER
    good = at + step
    while good - bad > 1:
        middle = (good + bad) // 2
        if after(middle) is None:
            bad = middle
        else:
            good = middle
    return good
