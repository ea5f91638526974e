"""The end of a load: a replacing one removes what it did not name, then one transaction makes the new generation.

Everything before that last transaction can be done again, so a load that dies while it removes is simply run again.
"""

from __future__ import annotations

import json
import sqlite3

from kg.schema import DomainSchema
from kg.stores.embedded.state import note_change, read_counters, read_mark
from kg.stores.errors import StoreError
from kg.stores.fitting import Section, schema_misfits
from kg.stores.protocol import FinishReport, StoreState
from kg.stores.sqlite import Database

_REMOVED_AT_ONCE = 20_000
"""Rows removed by one transaction, so that appending processes get their turn between."""


def finish_load(
    database: Database, schema: DomainSchema, numbers: dict[str, int], load: int, *, replace: bool
) -> FinishReport:
    """Complete a load; see `LoadWriter.finish`."""
    edges = events = nodes = 0
    if replace:
        edges = _remove(database, "edge", "relation, head, tail", "load <> ?", (load,))
        events = _remove(database, "event", "number", "load NOT IN (0, ?)", (load,))
        nodes, further = _remove_nodes(database, schema, numbers, load)
        events += further
    with database.writing() as connection:
        counters = read_counters(connection)
        mark = read_mark(connection)
        if mark is None:
            raise StoreError(f"{database.path}: the load's mark is gone; run the load again")
        changed = mark.changed or mark.schema != counters.schema
        generation = counters.generation + 1 if changed else counters.generation
        connection.execute(
            "UPDATE state SET generation = ?, event_generation = last_event, complete_load = ?, schema = ?",
            (generation, load, mark.schema),
        )
        connection.execute("DELETE FROM loading")
        state = StoreState(generation, counters.last_event, None)
    return FinishReport(state, nodes, edges, events)


def _remove(database: Database, table: str, key: str, condition: str, values: tuple) -> int:
    """Remove the rows of a table that fit a condition, some at a time."""
    statement = (
        f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {condition} LIMIT {_REMOVED_AT_ONCE})"
    )
    total = 0
    while True:
        with database.writing() as connection:
            removed = connection.execute(statement, values).rowcount
            if removed:
                note_change(connection)
        total += removed
        if removed < _REMOVED_AT_ONCE:
            return total


def _remove_nodes(database: Database, schema: DomainSchema, numbers: dict[str, int], load: int) -> tuple[int, int]:
    """Remove nodes that the load did not name, and the appended events that thereby lose their item or their kind.

    Users that have events stay, as users that only events name; users that have nothing any more go.
    """
    users = numbers[schema.user_kinds[0]]
    allowed = json.dumps(
        [f"{numbers[name]}-{numbers[item]}" for name, kind in schema.interactions.items() for item in kind.items]
    )
    # Appended events (load 0) on an item that goes, or of a kind that the schema no longer has on such items.
    without_item = (
        "item IN (SELECT id FROM node WHERE load NOT IN (0, ?))"
        " OR kind || '-' || (SELECT kind FROM node WHERE id = item) NOT IN (SELECT value FROM json_each(?))"
    )
    events = _remove(database, "event", "number", without_item, (load, allowed))
    with database.writing() as connection:
        changed = connection.execute(
            "UPDATE node SET load = 0, label = key, text = '', fields = '{}'"
            " WHERE kind = ? AND load NOT IN (0, ?) AND id IN (SELECT user FROM event)",
            (users, load),
        ).rowcount
        if changed:
            note_change(connection)
    gone = "load NOT IN (0, ?) OR (load = 0 AND (kind <> ? OR id NOT IN (SELECT user FROM event)))"
    return _remove(database, "node", "id", gone, (load, users)), events


def misfits(connection: sqlite3.Connection, before: DomainSchema, after: DomainSchema) -> list[str]:
    """What the store holds that a new schema does not describe; see `schema_misfits`."""
    by_name = dict(connection.execute("SELECT name, id FROM name").fetchall())
    columns: dict[Section, tuple[str, str]] = {
        "node": ("node", "kind"),
        "relation": ("edge", "relation"),
        "interaction": ("event", "kind"),
    }

    def has_rows(section: Section, name: str) -> bool:
        table, column = columns[section]
        statement = f"SELECT EXISTS (SELECT 1 FROM {table} WHERE {column} = ?)"
        return bool(connection.execute(statement, (by_name.get(name, -1),)).fetchone()[0])

    return schema_misfits(before, after, has_rows)
