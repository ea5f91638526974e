"""Note changed rows in the store's file, by the generation that the change leads to; see `kg.stores.changes`.

The table is created when it is first needed, so a store of an earlier version gets it with its next change.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from kg.graph import FactChanges
from kg.rows import EdgeRow, NodeRow
from kg.schema import DomainSchema
from kg.stores.changes import ChangedRows, forgotten_up_to, joined, too_many
from kg.stores.embedded.rows import node_ids, nodes_by_key, unpacked_fields
from kg.stores.embedded.state import Counters, has_table, names_of, read_counters
from kg.stores.sqlite import checked, integer
from kg.stores.sqlite.content import Column

_MAKE = (
    """CREATE TABLE IF NOT EXISTS fact_change (
        number INTEGER PRIMARY KEY,
        generation INTEGER NOT NULL,
        events_after INTEGER NOT NULL, -- event generation before the change
        size INTEGER NOT NULL,
        rows TEXT                      -- JSON of ChangedRows; none where everything has changed
    ) STRICT""",
    "CREATE INDEX IF NOT EXISTS fact_change_by_generation ON fact_change (generation)",
)

_COLUMNS = (
    integer("fact_change.generation"),
    integer("fact_change.events_after"),
    Column("fact_change.rows", frozenset({str, type(None)})),
)


def note_change(connection: sqlite3.Connection, rows: Callable[[], ChangedRows] | None) -> None:
    """Note in the mark of the load that the rows differ from the last complete generation's, and what has changed; with
    None, everything. `rows` is only called if needed.
    """
    connection.execute("UPDATE loading SET changed = 1")
    counters = read_counters(connection)
    if not counters.generation:
        return  # no earlier snapshot exists
    generation = counters.generation + 1
    size, notes, listed = _size(connection, generation)
    if notes > listed:
        return
    changed = ChangedRows() if rows is None else rows()
    if rows is None or too_many(size + len(changed)):
        note_everything(connection, generation)
    elif changed or not notes:
        _insert(connection, generation, counters.event_generation, len(changed), changed.to_json())


def note_everything(connection: sqlite3.Connection, generation: int) -> None:
    """Note that a generation has changed everything."""
    _make(connection)
    connection.execute("DELETE FROM fact_change WHERE generation = ?", (generation,))
    _insert(connection, generation, 0, 0, None)


def forget_all(connection: sqlite3.Connection) -> None:
    """Remove all notes: any may name a deleted user."""
    if has_table(connection, "fact_change"):
        connection.execute("DELETE FROM fact_change")


def forget_old(connection: sqlite3.Connection, generation: int) -> None:
    """Remove the notes of generations that are too old."""
    if not has_table(connection, "fact_change"):
        return
    generations = connection.execute("SELECT generation, sum(size) FROM fact_change GROUP BY generation")
    sizes = checked(generations, integer("fact_change.generation"), integer("fact_change.size"))
    upto = forgotten_up_to(generation, [(noted, size) for noted, size in sizes])
    connection.execute("DELETE FROM fact_change WHERE generation <= ?", (upto,))


def facts_since(
    connection: sqlite3.Connection, counters: Counters, schema: DomainSchema, generation: int
) -> FactChanges | None:
    """See `GraphStore.facts_since`; in the transaction in which the counters were read, with no load in progress."""
    if generation == counters.generation:
        return FactChanges(generation, counters.event_generation)
    if not has_table(connection, "fact_change"):
        return None
    statement = "SELECT generation, events_after, rows FROM fact_change WHERE generation > ?"
    notes = checked(connection.execute(statement, (generation,)), *_COLUMNS)
    changed = joined([(number, after, rows) for number, after, rows in notes], generation, counters.generation)
    return None if changed is None else _as_now(connection, counters, schema, *changed)


def _as_now(
    connection: sqlite3.Connection, counters: Counters, schema: DomainSchema, changed: ChangedRows, events_after: int
) -> FactChanges:
    """The present content of the changed rows."""
    numbers = names_of(connection, schema)
    nodes: list[NodeRow] = []
    for kind in schema.nodes:
        keys = [key for of_kind, key in changed.nodes if of_kind == kind]
        for key, (_, label, text, fields, _) in nodes_by_key(connection, numbers[kind], keys).items():
            nodes.append(NodeRow(kind, key, label, text, unpacked_fields(fields)))
    added: list[EdgeRow] = []
    removed: list[EdgeRow] = []
    for relation, spec in schema.relation_kinds.items():
        pairs = [(head, tail) for name, head, tail in changed.edges if name == relation]
        heads = node_ids(connection, numbers[spec.head], (head for head, _ in pairs))
        tails = node_ids(connection, numbers[spec.tail], (tail for _, tail in pairs))
        for head, tail in pairs:
            ends = (numbers[relation], heads.get(head, -1), tails.get(tail, -1))
            statement = "SELECT EXISTS (SELECT 1 FROM edge WHERE relation = ? AND head = ? AND tail = ?)"
            is_there = connection.execute(statement, ends).fetchone()[0]
            (added if is_there else removed).append(EdgeRow(relation, head, tail))
    return FactChanges(counters.generation, events_after, nodes, tuple(changed.removed), added, removed)


def _size(connection: sqlite3.Connection, generation: int) -> tuple[int, int, int]:
    """Number of noted rows of a generation, of its notes, and of notes that name their rows."""
    if not has_table(connection, "fact_change"):
        return 0, 0, 0
    statement = "SELECT coalesce(sum(size), 0), count(*), count(rows) FROM fact_change WHERE generation = ?"
    columns = (integer("fact_change.size"), integer("notes"), integer("notes"))
    return checked(connection.execute(statement, (generation,)), *columns)[0]


def _insert(connection: sqlite3.Connection, generation: int, events_after: int, size: int, rows: str | None) -> None:
    _make(connection)
    statement = "INSERT INTO fact_change (generation, events_after, size, rows) VALUES (?, ?, ?, ?)"
    connection.execute(statement, (generation, events_after, size, rows))


def _make(connection: sqlite3.Connection) -> None:
    for statement in _MAKE:
        connection.execute(statement)
