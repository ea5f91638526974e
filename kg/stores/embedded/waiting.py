"""Keep recorded events whose item a replacing load removed, until a load brings the item back.

They are stored with the names and keys that they were recorded with, as the nodes no longer exist. The table is created
when it is first needed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from kg.rows import Event
from kg.schema import DomainSchema
from kg.stores.changes import ChangedRows
from kg.stores.embedded.changes import note_change
from kg.stores.embedded.event_rows import insert_events, resolve_events
from kg.stores.embedded.rows import unpacked_id
from kg.stores.embedded.state import has_table, read_counters
from kg.stores.sqlite import blob, checked, real, text

_MAKE = """CREATE TABLE IF NOT EXISTS waiting (
    id BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    user TEXT NOT NULL,
    item_kind TEXT NOT NULL,
    item TEXT NOT NULL,
    time REAL,
    weight REAL
) STRICT, WITHOUT ROWID"""

_COLUMNS = (
    blob("waiting.id"),
    text("waiting.user"),
    text("waiting.item"),
    text("waiting.item_kind"),
    text("waiting.kind"),
    real("waiting.time"),
    real("waiting.weight"),
)

_AT_ONCE = 20_000


def set_aside(connection: sqlite3.Connection, condition: str, values: tuple, limit: int = -1) -> int:
    """Move appended events that fit a condition out of the table of events, `limit` at most (-1: all); return how many.

    Runs in the caller's transaction, before the nodes that the events name are removed.
    """
    chosen = f"SELECT number FROM event WHERE born = 0 AND ({condition}) ORDER BY number LIMIT {limit}"
    if not connection.execute(f"SELECT EXISTS ({chosen})", values).fetchone()[0]:
        return 0
    connection.execute(_MAKE)
    connection.execute(
        "INSERT OR REPLACE INTO waiting"
        " SELECT event.id, kind.name, user.key, item_kind.name, item.key, event.time, event.weight FROM event"
        " JOIN node AS user ON user.id = event.user JOIN node AS item ON item.id = event.item"
        " JOIN name AS item_kind ON item_kind.id = item.kind JOIN name AS kind ON kind.id = event.kind"
        f" WHERE event.number IN ({chosen})",
        values,
    )
    return connection.execute(f"DELETE FROM event WHERE number IN ({chosen})", values).rowcount


def bring_back(
    connection: sqlite3.Connection, schema: DomainSchema, numbers: Mapping[str, int], items_named_by: int | None
) -> int:
    """Append again events that wait for items that exist now (with `items_named_by`: that this load named); return how
    many were read. Call it until it finds none.
    """
    if not has_table(connection, "waiting"):
        return 0
    condition, values = ("", ()) if items_named_by is None else ("AND node.load = ?", (items_named_by,))
    allowed = [(kind, item) for kind, spec in schema.interactions.items() for item in spec.items]
    rows: list[tuple] = []
    for kind, item_kind in allowed:
        waiting = connection.execute(
            "SELECT waiting.id, user, item, item_kind, waiting.kind, time, weight FROM waiting"
            " JOIN node ON node.kind = ? AND node.key = waiting.item"
            f" WHERE waiting.kind = ? AND item_kind = ? {condition} LIMIT ?",
            (numbers[item_kind], kind, item_kind, *values, _AT_ONCE),
        )
        rows += checked(waiting, *_COLUMNS)
    if not rows:
        return 0
    events = [Event(unpacked_id(row[0]), *row[1:]) for row in rows]
    resolved = resolve_events(connection, schema, numbers, events)
    number = read_counters(connection).last_event
    # An id that exists by now was recorded again, and is kept.
    new = [
        (packed, content)
        for packed, content in zip(resolved.ids, resolved.content, strict=True)
        if content is not None and packed not in resolved.stored
    ]
    insert_events(
        connection, [(number + step, packed, *content, 0, 0) for step, (packed, content) in enumerate(new, 1)]
    )
    connection.execute("UPDATE state SET last_event = ?", (number + len(new),))
    connection.executemany("DELETE FROM waiting WHERE id = ?", [(row[0],) for row in rows])
    # Appended again, so snapshots get them as events.
    note_change(connection, ChangedRows)
    return len(rows)


def count_waiting(connection: sqlite3.Connection, user: str | None = None) -> int:
    """Number of waiting events, of all users or of one."""
    if not has_table(connection, "waiting"):
        return 0
    if user is None:
        return connection.execute("SELECT count(*) FROM waiting").fetchone()[0]
    return connection.execute("SELECT count(*) FROM waiting WHERE user = ?", (user,)).fetchone()[0]


def forget_waiting(connection: sqlite3.Connection, user: str) -> int:
    """Remove a user's waiting events; return their number."""
    if not has_table(connection, "waiting"):
        return 0
    return connection.execute("DELETE FROM waiting WHERE user = ?", (user,)).rowcount
