"""Writing events, for appends and loads alike: what is there already is recognised by id, the rest is checked and
inserted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from kg.rows import Event, recorded_id
from kg.schema import DomainSchema
from kg.stores.embedded.rows import events_by_id, node_ids, packed_id
from kg.stores.fitting import event_misfit
from kg.stores.protocol import Refusal


@dataclass(frozen=True)
class Resolved:
    """A batch of events with everything looked up.

    `content` has (kind, user, item, time, weight) as stored, None for an event that is refused; `there` the stored
    rows by packed id, as `events_by_id` gives them. `twins`: by row the id of an event that was recorded with the same
    content.
    """

    ids: list[bytes]
    content: list[tuple[int, int, int, float | None, float | None] | None]
    there: dict[bytes, tuple]
    twins: dict[int, bytes]
    refused: list[Refusal] = field(default_factory=list)


def resolve_events(
    connection: sqlite3.Connection,
    schema: DomainSchema,
    names: Mapping[str, int],
    events: Sequence[Event],
    items_named_by: int | None = None,
    *,
    as_recorded: bool = False,
) -> Resolved:
    """Look up users, items and earlier events; users that are new get a bare node.

    Refuses what the schema does not know and items that do not exist; with `items_named_by` also items that this load
    has not named. With `as_recorded` events that were recorded with the same content are looked for.
    """
    user_kind = schema.user_kinds[0]
    refused: dict[int, str] = {}
    for row, event in enumerate(events):
        reason = event_misfit(schema, event)
        if reason:
            refused[row] = reason
    good = [(row, event) for row, event in enumerate(events) if row not in refused]
    items: dict[tuple[str, str], int] = {}
    for kind in sorted({event.item_kind for _, event in good}):
        wanted = (event.item for _, event in good if event.item_kind == kind)
        items.update(
            ((kind, key), node) for key, node in node_ids(connection, names[kind], wanted, items_named_by).items()
        )
    for row, event in good:
        if (event.item_kind, event.item) not in items:
            refused[row] = f"there is no {event.item_kind} {event.item!r} in the store"
    good = [(row, event) for row, event in good if row not in refused]
    users = _user_nodes(connection, names[user_kind], [event.user for _, event in good])
    content: list[tuple[int, int, int, float | None, float | None] | None] = [None] * len(events)
    for row, event in good:
        item = items[event.item_kind, event.item]
        content[row] = (names[event.kind], users[event.user], item, event.time, event.weight)
    ids = [b"" if row in refused else packed_id(event.id) for row, event in enumerate(events)]
    recorded: dict[int, bytes] = {}
    if as_recorded:
        recorded = {row: packed_id(recorded_id(event)) for row, event in good}
    there = events_by_id(connection, chain((packed for packed in ids if packed), recorded.values()))
    twins = {row: packed for row, packed in recorded.items() if packed in there and there[packed][5] == 0}
    return Resolved(ids, content, there, twins, [Refusal(row, reason) for row, reason in sorted(refused.items())])


def insert_events(connection: sqlite3.Connection, rows: Sequence[tuple]) -> None:
    """Insert (number, id, kind, user, item, time, weight, born, load)."""
    connection.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _user_nodes(connection: sqlite3.Connection, kind: int, keys: list[str]) -> dict[str, int]:
    """Node ids of users, the unknown ones made as bare nodes that no load has named."""
    found = node_ids(connection, kind, keys)
    missing = sorted(set(keys) - found.keys())
    if missing:
        connection.executemany(
            "INSERT INTO node (kind, key, label, text, fields, load) VALUES (?, ?, ?, '', '{}', 0)",
            [(kind, key, key) for key in missing],
        )
        found.update(node_ids(connection, kind, missing))
    return found
