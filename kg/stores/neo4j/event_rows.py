"""Events as relationships from user to item: looked up by id, resolved against what is there, created.

An event has its `id`, `time` (seconds since the epoch, UTC) and `weight` as properties. `_load` is the last load that
named it, 0 for one that none has. An appended event has its place in the order of arrival as `_number`; those of loads
have none, which keeps them out of the index that appended ones are found by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from neo4j import ManagedTransaction

from kg.rows import Event
from kg.schema import DomainSchema
from kg.stores.errors import StoreError
from kg.stores.fitting import event_misfit
from kg.stores.neo4j.connection import first, rows
from kg.stores.neo4j.names import Names
from kg.stores.neo4j.nodes import by_key, create_nodes, known_keys
from kg.stores.neo4j.state import Counters
from kg.stores.protocol import Refusal

_LONGEST_ID = 7_000
"""Bytes of UTF-8, as for keys of nodes."""


class StoredEvent(NamedTuple):
    """An event as it is stored; `number` is None for one that a load has made."""

    event: Event
    number: int | None
    load: int


@dataclass(frozen=True)
class Resolved:
    """A batch of events: which rows can be written, what is there under their ids, and why the others cannot."""

    usable: list[bool]
    there: dict[str, StoredEvent]
    refused: list[Refusal]
    last_node: int


def resolve_events(
    transaction: ManagedTransaction,
    schema: DomainSchema,
    counters: Counters,
    names: Names,
    events: Sequence[Event],
    items_named_by: int | None = None,
) -> Resolved:
    """Look up users, items and earlier events; users that are new get a bare node.

    Refuses what the schema does not know and items that do not exist; with `items_named_by` also items that this load
    has not named.
    """
    refused: dict[int, str] = {}
    for row, event in enumerate(events):
        reason = event_misfit(schema, event) or unindexable_event(event)
        if reason:
            refused[row] = reason
    good = [(row, event) for row, event in enumerate(events) if row not in refused]
    items: dict[str, set[str]] = {}
    for kind in sorted({event.item_kind for _, event in good}):
        wanted = [event.item for _, event in good if event.item_kind == kind]
        items[kind] = known_keys(transaction, names.label(kind), wanted, items_named_by)
    for row, event in good:
        if event.item not in items[event.item_kind]:
            refused[row] = f"there is no {event.item_kind} {event.item!r} in the store"
    good = [(row, event) for row, event in good if row not in refused]
    last_node = counters.last_node
    if good:
        label = names.label(schema.user_kinds[0])
        users = {event.user for _, event in good}
        missing = sorted(users - known_keys(transaction, label, users))
        bare = [
            {"key": key, "name": key, "_id": last_node + step, "_load": 0} for step, key in enumerate(missing, start=1)
        ]
        create_nodes(transaction, label, bare)
        last_node += len(bare)
    there = events_by_id(transaction, names, [event.id for _, event in good])
    usable = [row not in refused for row in range(len(events))]
    return Resolved(usable, there, [Refusal(row, reason) for row, reason in sorted(refused.items())], last_node)


def events_by_id(transaction: ManagedTransaction, names: Names, ids: Sequence[str]) -> dict[str, StoredEvent]:
    """The events that exist among the ids, whatever their interaction."""
    if not ids:
        return {}
    kinds = list(names.interactions)
    parts = [
        f"{by_id(names.interaction(kind))}"
        f" RETURN $kinds[{position}] AS kind, u.key AS user, labels(i) AS labels, i.key AS item, r"
        for position, kind in enumerate(kinds)
    ]
    text = (
        f"UNWIND $ids AS id CALL (id) {{ {' UNION ALL '.join(parts)} }}"
        " RETURN id, user, item, labels, kind, r.time, r.weight, r._number, r._load"
    )
    found: dict[str, StoredEvent] = {}
    for event_id, user, item, labels, kind, time, weight, number, load in rows(
        transaction, text, ids=list(dict.fromkeys(ids)), kinds=kinds
    ):
        event = Event(event_id, user, item, names.kind_of(labels) or "", kind, time, weight)
        found[event_id] = StoredEvent(event, number, load)
    return found


def by_id(spelling: str) -> str:
    """The clause that finds an event by its id, with the index named as in `nodes.by_key`."""
    return f"MATCH (u)-[r:{spelling} {{id: id}}]->(i) USING INDEX SEEK r:{spelling}(id)"


def create_events(transaction: ManagedTransaction, schema: DomainSchema, names: Names, new: list[StoredEvent]) -> None:
    """Make events whose users and items are there. Raises StoreError if one of them has gone in between."""
    groups: dict[tuple[str, str], list[StoredEvent]] = {}
    for each in new:
        groups.setdefault((each.event.kind, each.event.item_kind), []).append(each)
    user_label = names.label(schema.user_kinds[0])
    for (kind, item_kind), group in sorted(groups.items(), key=lambda entry: entry[0]):
        # Sorted by their ends, so that transactions of foreign writers on the same nodes lock them in the same order.
        group.sort(key=lambda each: (each.event.item, each.event.user))
        values = [[e.user, e.item, e.id, e.time, e.weight, number, load] for e, number, load in group]
        text = (
            f"UNWIND $rows AS row {by_key(user_label, 'u', 'row[0]')} {by_key(names.label(item_kind), 'i', 'row[1]')}"
            f" CREATE (u)-[:{names.interaction(kind)} {{id: row[2], time: row[3], weight: row[4],"
            " _number: row[5], _load: row[6]}]->(i) RETURN count(*)"
        )
        if first(transaction, text, rows=values)[0] != len(values):
            raise StoreError("users or items were removed from the database while events on them were written; retry")


def delete_events(transaction: ManagedTransaction, names: Names, events: Sequence[Event]) -> None:
    """Remove events by id."""
    for kind, ids in _ids_by_kind(events).items():
        rows(transaction, f"UNWIND $ids AS id {by_id(names.interaction(kind))} DELETE r", ids=ids)


def touch_events(transaction: ManagedTransaction, names: Names, events: Sequence[Event], load: int) -> None:
    """Note that a load named these events."""
    for kind, ids in _ids_by_kind(events).items():
        text = f"UNWIND $ids AS id {by_id(names.interaction(kind))} SET r._load = $load"
        rows(transaction, text, ids=ids, load=load)


def _ids_by_kind(events: Sequence[Event]) -> Mapping[str, list[str]]:
    ids: dict[str, list[str]] = {}
    for event in events:
        ids.setdefault(event.kind, []).append(event.id)
    return ids


def unindexable_event(event: Event) -> str | None:
    """Why this database cannot take an event that other stores can."""
    for name, value in (("id", event.id), ("user", event.user)):
        if len(value.encode()) > _LONGEST_ID:
            return f"the event's {name} is longer than {_LONGEST_ID:,} bytes, which Neo4j cannot index"
    return None
