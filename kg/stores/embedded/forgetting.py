"""Deleting a user everywhere: rows in one transaction, then every cached snapshot; a count proves that nothing is left.

The transaction leaves a note of the user until the caches are known to be clean, so a process that dies between the two
steps leaves the work to whoever opens a snapshot next.
"""

from __future__ import annotations

import sqlite3

from kg.schema import DomainSchema
from kg.stores.cache import SnapshotCache
from kg.stores.embedded.changes import forget_all, note_everything
from kg.stores.embedded.rows import NODE_ID
from kg.stores.embedded.state import names_of, read_counters, read_mark
from kg.stores.embedded.waiting import count_waiting, forget_waiting
from kg.stores.protocol import DeletionReport
from kg.stores.sqlite import Database, checked, integer, text


def delete_user(database: Database, cache: SnapshotCache, schema: DomainSchema, user: str) -> DeletionReport:
    """Remove a user; see `GraphStore.delete_user`."""
    with database.writing() as connection:
        numbers = names_of(connection, schema)
        kind = numbers[schema.user_kinds[0]]
        rows = connection.execute("SELECT id FROM node WHERE kind = ? AND key = ?", (kind, user))
        found = checked(rows, NODE_ID)
        events = forget_waiting(connection, user)
        if not found and not events:
            return DeletionReport(user, False, 0, 0, 0, 0)
        # Whose events all wait has no node, and -1 is none.
        node = found[0][0] if found else -1
        events += connection.execute("DELETE FROM event WHERE user = ?", (node,)).rowcount
        edges = 0
        for relation in numbers.values():
            for end in ("head", "tail"):
                statement = f"DELETE FROM edge WHERE relation = ? AND {end} = ?"
                edges += connection.execute(statement, (relation, node)).rowcount
        connection.execute("DELETE FROM node WHERE id = ?", (node,))
        generation = read_counters(connection).generation + 1
        connection.execute("UPDATE state SET generation = ?", (generation,))
        # The user may stand in any note, also of the load in progress, which then leads to the generation after this.
        forget_all(connection)
        note_everything(connection, generation)
        if read_mark(connection) is not None:
            note_everything(connection, generation + 1)
        connection.execute("INSERT OR REPLACE INTO forgotten VALUES (?, ?)", (user, generation))
        # Counted in the same transaction: afterwards the id could be another node's, and the user could come back.
        remaining = _rows_of(connection, kind, user, node) + count_waiting(connection, user)
    # The log of earlier pages would still hold the rows.
    database.empty_log()
    snapshots, traces = clean_caches(database, cache)
    return DeletionReport(user, True, events, edges, snapshots, remaining + traces)


def _rows_of(connection: sqlite3.Connection, kind: int, user: str, node: int) -> int:
    """Rows that still belong to a user, by key and by node id."""
    return sum(
        connection.execute(statement, values).fetchone()[0]
        for statement, values in (
            ("SELECT count(*) FROM node WHERE id = ? OR (kind = ? AND key = ?)", (node, kind, user)),
            ("SELECT count(*) FROM event WHERE user = ?", (node,)),
            ("SELECT count(*) FROM edge WHERE head = ? OR tail = ?", (node, node)),
        )
    )


def clean_caches(database: Database, cache: SnapshotCache) -> tuple[int, int]:
    """Take deleted users out of cached snapshots; how many were written anew, and traces found in them (0).

    A snapshot of a generation before a deletion is replaced by one of the present generation without the user. It is
    not merely removed: while a load is in progress it is the only form of the last complete generation.
    """
    with database.reading() as connection:
        rows = connection.execute("SELECT user, generation FROM forgotten")
        forgotten: list[tuple[str, int]] = checked(rows, text("forgotten.user"), integer("forgotten.generation"))
        generation = read_counters(connection).generation
    if not forgotten:
        return 0, 0
    written = traces = 0
    before = [cached for cached in cache.generations() if cached < generation]
    if before and generation not in cache.generations():
        newest = before[-1]
        graph = cache.newest(newest)
        # Only deletions may lie between it and now: after a finished load it has nothing to say any more.
        if graph is not None and all(
            step in {made for _, made in forgotten} for step in range(newest + 1, generation + 1)
        ):
            gone = [user for user, made in forgotten if made > newest]
            graph = graph.without_users(gone).at_generation(generation)
            written = int(cache.write(graph))
            users = graph.nodes(graph.schema.user_kinds[0]).keys
            traces = sum(users.find(user) >= 0 for user in gone)
    cache.remove_before(generation)
    with database.writing() as connection:
        connection.executemany("DELETE FROM forgotten WHERE user = ? AND generation = ?", forgotten)
    return written, traces
