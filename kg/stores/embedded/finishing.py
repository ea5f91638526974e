"""The end of a load: a replacing one removes what it did not name, then one transaction makes the new generation.

Everything before that last transaction can be done again, so a load that dies while it removes is simply run again.
"""

from __future__ import annotations

import json
import sqlite3

from kg.schema import DomainSchema
from kg.stores.embedded.rows import NODE_ID
from kg.stores.embedded.state import names, note_change, read_counters, read_mark
from kg.stores.embedded.waiting import count_waiting, set_aside
from kg.stores.errors import StoreError
from kg.stores.fitting import Section, schema_misfits
from kg.stores.protocol import FinishReport, StoreState
from kg.stores.sqlite import Database, checked

_REMOVED_AT_ONCE = 20_000
"""Rows removed by one transaction, so that appending processes get their turn between."""


def finish_load(
    database: Database, schema: DomainSchema, numbers: dict[str, int], load: int, *, replace: bool
) -> FinishReport:
    """Complete a load; see `LoadWriter.finish`."""
    edges = events = nodes = 0
    with database.reading() as connection:
        before = read_counters(connection).last_event
    if replace:
        edges = _remove(database, "edge", "relation, head, tail", "load <> ?", (load,))
        events = _remove(database, "event", "number", "load NOT IN (0, ?)", (load,))
        nodes = _remove_nodes(database, schema, numbers, load)
    with database.writing() as connection:
        counters = read_counters(connection)
        mark = read_mark(connection)
        if mark is None:
            raise StoreError(f"{database.path}: the load's mark is gone; run the load again")
        if replace:
            # Appended since by processes that know the domain as it was.
            lost, values = _without_item(schema, numbers, load)
            set_aside(connection, f"number > ? AND ({lost})", (before, *values))
        changed = mark.changed or mark.schema != counters.schema
        generation = counters.generation + 1 if changed else counters.generation
        connection.execute(
            "UPDATE state SET generation = ?, event_generation = last_event, complete_load = ?, schema = ?",
            (generation, load, mark.schema),
        )
        connection.execute("DELETE FROM loading")
        state = StoreState(generation, counters.last_event, None)
        waiting = count_waiting(connection)
    return FinishReport(state, nodes, edges, events, waiting)


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


def _remove_nodes(database: Database, schema: DomainSchema, numbers: dict[str, int], load: int) -> int:
    """Remove nodes that the load did not name; appended events that thereby lose their item or their kind wait for it.

    Users that have events stay, as users that only events name; users that have nothing any more go.
    """
    users = numbers[schema.user_kinds[0]]
    lost, values = _without_item(schema, numbers, load)
    while True:
        with database.writing() as connection:
            aside = set_aside(connection, lost, values, _REMOVED_AT_ONCE)
            if aside:
                note_change(connection)
        if aside < _REMOVED_AT_ONCE:
            break
    with database.writing() as connection:
        changed = connection.execute(
            "UPDATE node SET load = 0, label = key, text = '', fields = '{}'"
            " WHERE kind = ? AND load NOT IN (0, ?) AND id IN (SELECT user FROM event)",
            (users, load),
        ).rowcount
        if changed:
            note_change(connection)
    gone = "load NOT IN (0, ?) OR (load = 0 AND (kind <> ? OR id NOT IN (SELECT user FROM event)))"
    nodes = 0
    while True:
        with database.writing() as connection:
            rows = connection.execute(f"SELECT id FROM node WHERE {gone} LIMIT {_REMOVED_AT_ONCE}", (load, users))
            doomed = checked(rows, NODE_ID)
            # An event that was appended to one meanwhile waits too, so that nobody ever sees one without its item.
            for node in doomed:
                set_aside(connection, "item = ?", node)
            connection.executemany("DELETE FROM node WHERE id = ?", doomed)
            if doomed:
                note_change(connection)
        nodes += len(doomed)
        if len(doomed) < _REMOVED_AT_ONCE:
            return nodes


def _without_item(schema: DomainSchema, numbers: dict[str, int], load: int) -> tuple[str, tuple]:
    """Which events' item goes, or whose kind the schema no longer has on such items: a condition and its values."""
    allowed = json.dumps(
        [f"{numbers[name]}-{numbers[item]}" for name, kind in schema.interactions.items() for item in kind.items]
    )
    return (
        "item IN (SELECT id FROM node WHERE load NOT IN (0, ?))"
        " OR kind || '-' || (SELECT kind FROM node WHERE id = item) NOT IN (SELECT value FROM json_each(?))"
    ), (load, allowed)


def misfits(connection: sqlite3.Connection, before: DomainSchema, after: DomainSchema) -> list[str]:
    """What the store holds that a new schema does not describe; see `schema_misfits`."""
    by_name = names(connection)
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
