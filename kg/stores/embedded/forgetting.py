"""Delete a user everywhere: rows in one transaction, then every cached snapshot; a count proves that nothing is left.

The transaction notes the user until the caches are known to be clean, so if a process is killed between the two steps,
the next one that opens a snapshot does the work.
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
        ids = checked(rows, NODE_ID)
        events = forget_waiting(connection, user)
        if not ids and not events:
            return DeletionReport(user, False, 0, 0, 0, 0)
        # A user whose events all wait has no node; -1 is no node's id.
        node = ids[0][0] if ids else -1
        events += connection.execute("DELETE FROM event WHERE user = ?", (node,)).rowcount
        edges = 0
        for relation in numbers.values():
            for end in ("head", "tail"):
                statement = f"DELETE FROM edge WHERE relation = ? AND {end} = ?"
                edges += connection.execute(statement, (relation, node)).rowcount
        connection.execute("DELETE FROM node WHERE id = ?", (node,))
        generation = read_counters(connection).generation + 1
        connection.execute("UPDATE state SET generation = ?", (generation,))
        # Any note may name the user, also that of the load in progress, which then leads to the generation after this.
        forget_all(connection)
        note_everything(connection, generation)
        if read_mark(connection) is not None:
            note_everything(connection, generation + 1)
        connection.execute("INSERT OR REPLACE INTO forgotten VALUES (?, ?)", (user, generation))
        # Counted in the same transaction: later the id could be another node's, and the user could be added again.
        remaining = _rows_of(connection, kind, user, node) + count_waiting(connection, user)
    # The write-ahead log would still hold the rows.
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
    """Remove deleted users from cached snapshots; return how many were written again, and the traces left in them (0).

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
        # Only deletions may have followed it: after a finished load it is obsolete.
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
