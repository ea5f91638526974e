"""The row of counters, the mark of a load in progress, and the interned names: the small tables of the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counters:
    """The row `state`; see `ddl` for its columns."""

    generation: int
    event_generation: int
    last_event: int
    last_load: int
    complete_load: int
    schema: str | None


@dataclass(frozen=True, slots=True)
class Mark:
    """The row `loading`; see `ddl` for its columns."""

    since: float
    source_digest: str
    replace: bool
    by: str
    schema: str
    changed: bool


def read_counters(connection: sqlite3.Connection) -> Counters:
    """The counters, as of the current transaction."""
    row = connection.execute(
        "SELECT generation, event_generation, last_event, last_load, complete_load, schema FROM state"
    ).fetchone()
    return Counters(*row)


def read_mark(connection: sqlite3.Connection) -> Mark | None:
    """The mark of a load in progress or interrupted."""
    row = connection.execute("SELECT since, source_digest, replace, by, schema, changed FROM loading").fetchone()
    return None if row is None else Mark(row[0], row[1], bool(row[2]), row[3], row[4], bool(row[5]))


def current_schema(connection: sqlite3.Connection) -> str | None:
    """Schema that events are checked by: the last complete load's, or during a first load that load's."""
    mark = read_mark(connection)
    return read_counters(connection).schema or (mark.schema if mark else None)


def write_mark(connection: sqlite3.Connection, mark: Mark) -> None:
    """Set the mark, in the place of any other."""
    values = (mark.since, mark.source_digest, int(mark.replace), mark.by, mark.schema, int(mark.changed))
    connection.execute("INSERT OR REPLACE INTO loading VALUES (1, ?, ?, ?, ?, ?, ?)", values)


def note_change(connection: sqlite3.Connection) -> None:
    """Note in the mark that the rows now differ from the last complete generation's."""
    connection.execute("UPDATE loading SET changed = 1")


def names(connection: sqlite3.Connection) -> dict[str, int]:
    """All interned names with their numbers."""
    return dict(connection.execute("SELECT name, id FROM name").fetchall())


def intern(connection: sqlite3.Connection, wanted: Iterable[str]) -> dict[str, int]:
    """Numbers of all names, the wanted ones added where they are new."""
    rows = [(name,) for name in sorted(set(wanted))]
    connection.executemany("INSERT OR IGNORE INTO name (name) VALUES (?)", rows)
    return names(connection)
