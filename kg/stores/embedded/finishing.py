"""Finish a load: a replacing one removes rows that it did not name, then one transaction makes the new generation.

All steps before that transaction can be repeated, so a load that is killed while it removes rows is run again.
"""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from functools import partial

from kg.schema import DomainSchema
from kg.stores.changes import ChangedRows
from kg.stores.embedded.changes import forget_old, note_change, note_everything
from kg.stores.embedded.edge_rows import keys_of_pairs
from kg.stores.embedded.rows import NODE_ID
from kg.stores.embedded.state import names, read_counters, read_mark
from kg.stores.embedded.waiting import count_waiting, set_aside
from kg.stores.errors import StoreError
from kg.stores.fitting import Section, schema_misfits
from kg.stores.protocol import FinishReport, StoreState
from kg.stores.sqlite import Database, checked, integer, text

_REMOVED_AT_ONCE = 20_000
"""Rows removed per transaction, so that appending processes get turns in between."""


def finish_load(
    database: Database, schema: DomainSchema, numbers: dict[str, int], load: int, *, replace: bool
) -> FinishReport:
    """Complete a load; see `LoadWriter.finish`."""
    edges = events = nodes = 0
    with database.reading() as connection:
        before = read_counters(connection).last_event
    if replace:
        edges = _remove_edges(database, schema, numbers, load)
        events = _remove_events(database, load)
        nodes = _remove_nodes(database, schema, numbers, load)
    with database.writing() as connection:
        if replace:
            # Appended meanwhile by processes that know the former domain.
            lost, values = _without_item(schema, numbers, load)
            set_aside(connection, f"number > ? AND ({lost})", (before, *values))
        return dataclasses.replace(
            complete_load(connection, load), removed_nodes=nodes, removed_edges=edges, removed_events=events
        )


def complete_load(connection: sqlite3.Connection, load: int) -> FinishReport:
    """Make the new generation, in the caller's transaction. Raises StoreError if the mark is gone."""
    counters = read_counters(connection)
    mark = read_mark(connection)
    if mark is None:
        raise StoreError("the load's mark is gone from the store; run the load again")
    changed = mark.changed or mark.schema != counters.schema
    generation = counters.generation + 1 if changed else counters.generation
    connection.execute(
        "UPDATE state SET generation = ?, event_generation = last_event, complete_load = ?, schema = ?",
        (generation, load, mark.schema),
    )
    if counters.schema is not None and mark.schema != counters.schema:
        note_everything(connection, generation)
    forget_old(connection, generation)
    connection.execute("DELETE FROM loading")
    return FinishReport(StoreState(generation, counters.last_event, None), waiting_events=count_waiting(connection))


def _remove_edges(database: Database, schema: DomainSchema, numbers: dict[str, int], load: int) -> int:
    """Remove edges that the load did not name, in batches."""
    relations = {numbers[relation]: relation for relation in schema.relation_kinds}
    key = "relation, head, tail"
    statement = (
        f"DELETE FROM edge WHERE ({key}) IN (SELECT {key} FROM edge WHERE load <> ? LIMIT {_REMOVED_AT_ONCE})"
        f" RETURNING {key}"
    )
    columns = (integer("edge.relation"), integer("edge.head"), integer("edge.tail"))
    total = 0
    while True:
        with database.writing() as connection:
            removed = checked(connection.execute(statement, (load,)), *columns)

            def rows(connection: sqlite3.Connection = connection, removed: list[tuple] = removed) -> ChangedRows:
                changed = ChangedRows()
                # Edges of relations of an earlier schema are in no snapshot that a generation of this schema follows.
                for number, relation in relations.items():
                    pairs = [(head, tail) for of_relation, head, tail in removed if of_relation == number]
                    changed |= ChangedRows.of_edges(schema, relation, keys_of_pairs(connection, pairs))
                return changed

            if removed:
                note_change(connection, rows)
        total += len(removed)
        if len(removed) < _REMOVED_AT_ONCE:
            return total


def _remove_events(database: Database, load: int) -> int:
    """Remove events of earlier loads that the load did not name, in batches."""
    statement = (
        "DELETE FROM event WHERE number IN"
        f" (SELECT number FROM event WHERE load NOT IN (0, ?) LIMIT {_REMOVED_AT_ONCE})"
    )
    total = 0
    while True:
        with database.writing() as connection:
            removed = connection.execute(statement, (load,)).rowcount
            if removed:
                note_change(connection, None)
        total += removed
        if removed < _REMOVED_AT_ONCE:
            return total


def _remove_nodes(database: Database, schema: DomainSchema, numbers: dict[str, int], load: int) -> int:
    """Remove nodes that the load did not name; appended events that thereby lose their item or their kind wait for it.

    Users with events remain, as users that only events name; users without events are removed.
    """
    users = numbers[schema.user_kinds[0]]
    lost, values = _without_item(schema, numbers, load)
    while True:
        with database.writing() as connection:
            aside = set_aside(connection, lost, values, _REMOVED_AT_ONCE)
            if aside:
                # Snapshots lose them with their items, unless it is the schema that no longer takes them.
                note_change(connection, ChangedRows)
        if aside < _REMOVED_AT_ONCE:
            break
    with database.writing() as connection:
        rows = connection.execute(
            "UPDATE node SET load = 0, label = key, text = '', fields = '{}'"
            " WHERE kind = ? AND load NOT IN (0, ?) AND id IN (SELECT user FROM event) RETURNING key",
            (users, load),
        )
        bare = [(schema.user_kinds[0], key) for (key,) in checked(rows, text("node.key"))]
        if bare:
            note_change(connection, lambda: ChangedRows.of_nodes(bare))
    gone = "load NOT IN (0, ?) OR (load = 0 AND (kind <> ? OR id NOT IN (SELECT user FROM event)))"
    kinds = {numbers[kind]: kind for kind in schema.nodes}
    nodes = 0
    while True:
        with database.writing() as connection:
            rows = connection.execute(
                f"SELECT id, kind, key FROM node WHERE {gone} LIMIT {_REMOVED_AT_ONCE}", (load, users)
            )
            doomed = checked(rows, NODE_ID, integer("node.kind"), text("node.key"))
            # An event that was appended to one meanwhile waits too, so that no reader sees an event without its item.
            for node, _, _ in doomed:
                set_aside(connection, "item = ?", (node,))
            connection.executemany("DELETE FROM node WHERE id = ?", [(node,) for node, _, _ in doomed])
            removed = [(kinds[kind], key) for _, kind, key in doomed if kind in kinds]
            if doomed:
                note_change(connection, partial(ChangedRows.of_nodes, (), removed))
        nodes += len(doomed)
        if len(doomed) < _REMOVED_AT_ONCE:
            return nodes


def _without_item(schema: DomainSchema, numbers: dict[str, int], load: int) -> tuple[str, tuple]:
    """Events whose item is removed, or whose kind the schema no longer has on it: a condition and its values."""
    allowed = json.dumps(
        [f"{numbers[name]}-{numbers[item]}" for name, kind in schema.interactions.items() for item in kind.items]
    )
    return (
        "item IN (SELECT id FROM node WHERE load NOT IN (0, ?))"
        " OR kind || '-' || (SELECT kind FROM node WHERE id = item) NOT IN (SELECT value FROM json_each(?))"
    ), (load, allowed)


def misfits(connection: sqlite3.Connection, before: DomainSchema, after: DomainSchema) -> list[str]:
    """Parts of the store that a new schema does not describe; see `schema_misfits`."""
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
