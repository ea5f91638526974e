"""Write edges: those that a file of relations names, and all those of a relation that a row of their head gives."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence, Set

from kg.stores.embedded.rows import NODE_ID, in_parts, keys_of, marks
from kg.stores.sqlite import checked


def insert_pairs(
    connection: sqlite3.Connection, relation: int, pairs: Sequence[tuple[int, int]], load: int, *, filed: bool
) -> int:
    """Insert missing (head, tail) of a relation; return how many were missing."""
    values = [(relation, head, tail, load, filed) for head, tail in pairs]
    inserted = connection.executemany("INSERT OR IGNORE INTO edge VALUES (?, ?, ?, ?, ?)", values).rowcount
    return max(inserted, 0)  # -1 after no row at all


def keys_of_pairs(connection: sqlite3.Connection, pairs: Sequence[tuple[int, int]]) -> list[tuple[str, str]]:
    """Keys of both ends of edges."""
    keys = keys_of(connection, (end for pair in pairs for end in pair))
    return [(keys[head], keys[tail]) for head, tail in pairs]


def made_by(
    connection: sqlite3.Connection, relation: int, pairs: Iterable[tuple[int, int]], load: int
) -> list[tuple[int, int]]:
    """The pairs that are edges which this load has created, or, if it replaces, has named."""
    statement = "SELECT EXISTS (SELECT 1 FROM edge WHERE relation = ? AND head = ? AND tail = ? AND load = ?)"
    return [pair for pair in pairs if connection.execute(statement, (relation, *pair, load)).fetchone()[0]]


def note_filed(connection: sqlite3.Connection, relation: int, pairs: Iterable[tuple[int, int]]) -> None:
    """Note that a file of relations has named existing edges."""
    statement = "UPDATE edge SET filed = 1 WHERE relation = ? AND head = ? AND tail = ? AND filed = 0"
    connection.executemany(statement, [(relation, head, tail) for head, tail in pairs])


def note_named(
    connection: sqlite3.Connection, relation: int, pairs: Iterable[tuple[int, int]], load: int, *, filed: bool
) -> None:
    """Note that a replacing load has named edges; each such load determines again whether a file names them."""
    statement = (
        "UPDATE edge SET filed = CASE WHEN load = ? THEN max(filed, ?) ELSE ? END, load = ?"
        " WHERE relation = ? AND head = ? AND tail = ?"
    )
    connection.executemany(statement, [(load, filed, filed, load, relation, *pair) for pair in pairs])


def remove_unsaid(connection: sqlite3.Connection, relation: int, kept: Mapping[int, Set[int]]) -> list[tuple[int, int]]:
    """Remove the edges of heads that their rows no longer give, except those that a file has named; return them."""
    removed: list[tuple[int, int]] = []
    for part in in_parts(list(kept)):
        statement = f"SELECT head, tail FROM edge WHERE relation = ? AND head IN ({marks(part)}) AND filed = 0"
        rows = checked(connection.execute(statement, (relation, *part)), NODE_ID, NODE_ID)
        removed += [(head, tail) for head, tail in rows if tail not in kept[head]]
    statement = "DELETE FROM edge WHERE relation = ? AND head = ? AND tail = ?"
    connection.executemany(statement, [(relation, *pair) for pair in removed])
    return removed
