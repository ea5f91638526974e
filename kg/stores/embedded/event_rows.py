"""Write events, for appends and loads: existing ones are recognised by id, the others are checked and inserted."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from kg.rows import Event, recorded_id
from kg.schema import DomainSchema
from kg.stores.embedded.rows import EventContent, events_by_id, node_ids, packed_id
from kg.stores.fitting import refusals_of
from kg.stores.protocol import Refusal


@dataclass(frozen=True)
class Resolved:
    """A batch of events with users, items and stored events resolved.

    `content` is None for an event that is refused; `stored` has content and load of the stored ones by packed id.
    `recorded` are the rows whose content was recorded under another id.
    """

    ids: list[bytes]
    content: list[EventContent | None]
    stored: dict[bytes, tuple[EventContent, int]]
    recorded: frozenset[int]
    refused: tuple[Refusal, ...]


def resolve_events(
    connection: sqlite3.Connection,
    schema: DomainSchema,
    names: Mapping[str, int],
    events: Sequence[Event],
    misfits: Mapping[int, str] | None = None,
    *,
    as_recorded: bool = False,
) -> Resolved:
    """Look up users, items and stored events; new users get a bare node.

    Refuses `misfits`, rows with the reason why they cannot be written, and items that do not exist. With `as_recorded`
    it also looks for recorded events with the same content.
    """
    refused = dict(misfits or {})
    good = [(row, event) for row, event in enumerate(events) if row not in refused]
    items = _item_nodes(connection, names, [event for _, event in good])
    for row, event in good:
        if (event.item_kind, event.item) not in items:
            refused[row] = f"there is no {event.item_kind} {event.item!r} in the store"
    good = [(row, event) for row, event in good if row not in refused]
    users = _user_nodes(connection, names[schema.user_kinds[0]], [event.user for _, event in good])
    content: list[EventContent | None] = [None] * len(events)
    for row, event in good:
        item = items[event.item_kind, event.item]
        content[row] = (names[event.kind], users[event.user], item, event.time, event.weight)
    ids = [b"" if row in refused else packed_id(event.id) for row, event in enumerate(events)]
    twins = {row: packed_id(recorded_id(event)) for row, event in good} if as_recorded else {}
    stored = events_by_id(connection, chain((packed for packed in ids if packed), twins.values()))
    recorded = frozenset(row for row, packed in twins.items() if packed in stored and not stored[packed][1])
    return Resolved(ids, content, stored, recorded, refusals_of(refused))


def insert_events(connection: sqlite3.Connection, rows: Sequence[tuple]) -> None:
    """Insert (number, id, kind, user, item, time, weight, born, load)."""
    connection.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _item_nodes(
    connection: sqlite3.Connection, names: Mapping[str, int], events: Sequence[Event]
) -> dict[tuple[str, str], int]:
    """Node ids of the events' items that exist, by kind and key."""
    keys: dict[str, list[str]] = {}
    for event in events:
        keys.setdefault(event.item_kind, []).append(event.item)
    return {
        (kind, key): node
        for kind, wanted in sorted(keys.items())
        for key, node in node_ids(connection, names[kind], wanted).items()
    }


def _user_nodes(connection: sqlite3.Connection, kind: int, keys: list[str]) -> dict[str, int]:
    """Node ids of users; unknown ones are created as bare nodes that no load has named."""
    ids = node_ids(connection, kind, keys)
    missing = sorted(set(keys) - ids.keys())
    if missing:
        connection.executemany(
            "INSERT INTO node (kind, key, label, text, fields, load) VALUES (?, ?, ?, '', '{}', 0)",
            [(kind, key, key) for key in missing],
        )
        ids.update(node_ids(connection, kind, missing))
    return ids
