"""Read and write the small tables of the store: counters, the mark of a load in progress, and interned names."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from kg.limits import time_misfit
from kg.schema import DomainSchema
from kg.stores.sqlite import DamagedContent, checked, integer, text
from kg.stores.sqlite.content import Column

_COUNTERS = (
    integer("state.generation"),
    integer("state.event_generation"),
    integer("state.last_event"),
    integer("state.last_load"),
    integer("state.complete_load"),
    Column("state.schema", frozenset({str, type(None)})),
)
_MARK = (
    Column("loading.since", frozenset({float})),
    text("loading.source_digest"),
    integer("loading.replace"),
    text("loading.by"),
    text("loading.schema"),
    integer("loading.changed"),
)


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
    """The counters, as of the current transaction. Raises DamagedContent."""
    rows = connection.execute(
        "SELECT generation, event_generation, last_event, last_load, complete_load, schema FROM state"
    ).fetchall()
    if len(rows) != 1:
        raise DamagedContent(f"the table of counters has {len(rows)} rows where there must be one")
    counters = Counters(*checked(rows, *_COUNTERS)[0])
    if counters.complete_load > counters.last_load or counters.event_generation > counters.last_event:
        raise DamagedContent("the counters contradict each other")
    return counters


def read_mark(connection: sqlite3.Connection) -> Mark | None:
    """The mark of a load in progress or interrupted. Raises DamagedContent."""
    rows = connection.execute("SELECT since, source_digest, replace, by, schema, changed FROM loading").fetchall()
    for since, digest, replace, by, schema, changed in checked(rows, *_MARK):
        if time_misfit(since) is not None:
            raise DamagedContent("the load in progress has begun at no time that there is")
        return Mark(since, digest, bool(replace), by, schema, bool(changed))
    return None


def has_table(connection: sqlite3.Connection, name: str) -> bool:
    """Whether the file has a table that is created when it is first needed."""
    query = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?)"
    return bool(connection.execute(query, (name,)).fetchone()[0])


def current_schema(connection: sqlite3.Connection) -> str | None:
    """Schema that events are checked by: the last complete load's, or during a first load that load's."""
    mark = read_mark(connection)
    return read_counters(connection).schema or (mark.schema if mark else None)


def write_mark(connection: sqlite3.Connection, mark: Mark) -> None:
    """Set the mark, replacing any other."""
    values = (mark.since, mark.source_digest, int(mark.replace), mark.by, mark.schema, int(mark.changed))
    connection.execute("INSERT OR REPLACE INTO loading VALUES (1, ?, ?, ?, ?, ?, ?)", values)


def names(connection: sqlite3.Connection) -> dict[str, int]:
    """All interned names with their numbers. Raises DamagedContent."""
    return dict(checked(connection.execute("SELECT name, id FROM name"), text("name.name"), integer("name.id")))


def names_of(connection: sqlite3.Connection, schema: DomainSchema) -> dict[str, int]:
    """The same, including those of a schema whose load has begun. Raises DamagedContent."""
    known = names(connection)
    for name in (*schema.nodes, *schema.relation_kinds, *schema.interactions):
        if name not in known:
            raise DamagedContent(f"the table of names lacks {name!r}")
    return known


def intern(connection: sqlite3.Connection, wanted: Iterable[str]) -> dict[str, int]:
    """Numbers of all names, after adding new ones of `names`."""
    rows = [(name,) for name in sorted(set(wanted))]
    connection.executemany("INSERT OR IGNORE INTO name (name) VALUES (?)", rows)
    return names(connection)
