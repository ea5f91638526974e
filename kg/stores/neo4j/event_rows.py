"""Store events as relationships from user to item: look them up by id, resolve their ends, create them.

An event has its `id`, `time` (seconds since the epoch, UTC) and `weight` as properties. `_load` is the last load that
named it, 0 for an appended one that none has named. An appended event has its place in the order of arrival as
`_number`; those of loads have none, which keeps them out of the index of appended events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from neo4j import ManagedTransaction, Result

from kg.rows import Event, recorded_id
from kg.schema import DomainSchema
from kg.stores.fitting import refusals_of
from kg.stores.neo4j.batches import grouped, send, slices
from kg.stores.neo4j.connection import first, rows
from kg.stores.neo4j.names import Names
from kg.stores.neo4j.nodes import LONGEST_KEY, by_key, create_nodes, too_long_to_index
from kg.stores.neo4j.state import Counters
from kg.stores.protocol import Refusal

LOST_ENDS = "users or items were removed from the database while events on them were written; retry"


class StoredEvent(NamedTuple):
    """A stored event; `number` is None for one that a load has created."""

    event: Event
    number: int | None
    load: int


@dataclass(frozen=True)
class Resolved:
    """A batch of events: rows that can be written, stored events of the same ids, `recorded` rows whose content was
    recorded under another id, and the reasons why others cannot be written."""

    usable: list[bool]
    stored: dict[str, StoredEvent]
    recorded: frozenset[int]
    refused: tuple[Refusal, ...]
    last_node: int


def resolve_events(
    transaction: ManagedTransaction,
    schema: DomainSchema,
    counters: Counters,
    names: Names,
    events: Sequence[Event],
    misfits: Mapping[int, str] | None = None,
    *,
    as_recorded: bool = False,
) -> Resolved:
    """Look up users, items and stored events; new users get a bare node.

    Refuses `misfits`, rows with the reason why they cannot be written, and items that do not exist. With `as_recorded`
    it also looks for recorded events with the same content, under their own ids.
    """
    refused = dict(misfits or {})
    good = [(row, event) for row, event in enumerate(events) if row not in refused]
    if not good:
        return Resolved([False] * len(events), {}, frozenset(), refusals_of(refused), counters.last_node)
    twins = {row: recorded_id(event) for row, event in good} if as_recorded else {}
    existing = _look_up(transaction, schema, names, [event for _, event in good], list(twins.values()))
    recorded = frozenset(
        row for row, twin in twins.items() if twin in existing.events and not existing.events[twin].load
    )
    for row, event in good:
        if event.item not in existing.items[event.item_kind]:
            refused[row] = f"there is no {event.item_kind} {event.item!r} in the store"
    missing = sorted({event.user for row, event in good if row not in refused} - existing.users)
    last_node = counters.last_node
    bare = [{"key": key, "name": key, "_id": last_node + step, "_load": 0} for step, key in enumerate(missing, start=1)]
    create_nodes(transaction, names.label(schema.user_kinds[0]), bare)
    usable = [row not in refused for row in range(len(events))]
    return Resolved(usable, existing.events, recorded, refusals_of(refused), last_node + len(bare))


class _Found(NamedTuple):
    """Existing keys of users, of items by kind, and events by id."""

    users: set[str]
    items: dict[str, set[str]]
    events: dict[str, StoredEvent]


def _look_up(
    transaction: ManagedTransaction,
    schema: DomainSchema,
    names: Names,
    events: Sequence[Event],
    further_ids: Sequence[str],
) -> _Found:
    """The existing parts of a batch, by one query: a single event waits for round trips to the server, not for work."""
    items: dict[str, dict[str, None]] = {}
    for event in events:
        items.setdefault(event.item_kind, {})[event.item] = None
    item_kinds = sorted(items)
    parts = [
        f"CALL () {{ UNWIND $items[{at}] AS key {by_key(names.label(kind))} RETURN collect(n.key) AS i{at} }}"
        for at, kind in enumerate(item_kinds)
    ]
    user = by_key(names.label(schema.user_kinds[0]))
    text = (
        f"CALL () {{ UNWIND $users AS key {user} RETURN collect(n.key) AS users }} {' '.join(parts)}"
        f" CALL () {{ {_events_by_id(names, list(names.interactions))} }}"
        f" RETURN users, events, [{', '.join(f'i{at}' for at in range(len(item_kinds)))}]"
    )
    users, stored, keys = first(
        transaction,
        text,
        users=list(dict.fromkeys(event.user for event in events)),
        items=[list(items[kind]) for kind in item_kinds],
        ids=list(dict.fromkeys([*(event.id for event in events), *further_ids])),
        kinds=list(names.interactions),
    )
    by_kind = {kind: set(kind_keys) for kind, kind_keys in zip(item_kinds, keys, strict=True)}
    return _Found(set(users), by_kind, _stored(names, stored))


def some_recorded(transaction: ManagedTransaction, names: Names) -> bool:
    """Whether any event was appended: those of loads have no number."""
    parts = [
        f"MATCH ()-[r:{names.interaction(kind)}]->() WHERE r._number > 0 RETURN 1 AS one LIMIT 1"
        for kind in names.interactions
    ]
    text = f"CALL () {{ {' UNION ALL '.join(parts)} }} RETURN count(one)"
    return bool(parts) and first(transaction, text)[0] > 0


def some_exist(transaction: ManagedTransaction, names: Names, ids: Sequence[str], kinds: Sequence[str]) -> bool:
    """Whether any of the ids is one of an event of these interactions."""
    if not kinds:
        return False
    text = f"CALL () {{ {_events_by_id(names, kinds)} }} RETURN size(events)"
    return first(transaction, text, ids=ids, kinds=kinds)[0] > 0


def _events_by_id(names: Names, kinds: Sequence[str]) -> str:
    """The subquery that collects the events of some interactions under `$ids`, as `events`."""
    parts = [
        f"{by_id(names.interaction(kind))} RETURN $kinds[{position}] AS kind, u.key AS user, labels(i) AS labels,"
        " i.key AS item, r"
        for position, kind in enumerate(kinds)
    ]
    return (
        f"UNWIND $ids AS id CALL (id) {{ {' UNION ALL '.join(parts)} }}"
        " RETURN collect([id, user, item, labels, kind, r.time, r.weight, r._number, r._load]) AS events"
    )


def _stored(names: Names, records: Sequence[Sequence[Any]]) -> dict[str, StoredEvent]:
    events: dict[str, StoredEvent] = {}
    for event_id, user, item, labels, kind, time, weight, number, load in records:
        event = Event(event_id, user, item, names.kind_of(labels) or "", kind, time, weight)
        events[event_id] = StoredEvent(event, number, load)
    return events


def by_id(spelling: str) -> str:
    """The clause that finds an event by its id.

    SEEK is needed: in an empty database the planner seeks without it, but with 3,000 events it read the whole index for
    every id (Neo4j 5.26), even with a hint for the index without that word.
    """
    return f"MATCH (u)-[r:{spelling} {{id: id}}]->(i) USING INDEX SEEK r:{spelling}(id)"


def create_events(
    transaction: ManagedTransaction,
    schema: DomainSchema,
    names: Names,
    new: Sequence[StoredEvent],
    *,
    load: int,
) -> bool:
    """Create events; False if a user or an item is missing, and the transaction must not be committed. `load` is that
    of all of them."""
    groups: dict[tuple[str, str], list[StoredEvent]] = {}
    for stored in new:
        groups.setdefault((stored.event.kind, stored.event.item_kind), []).append(stored)
    user_label = names.label(schema.user_kinds[0])
    sent: list[Result] = []
    for (kind, item_kind), group in sorted(groups.items(), key=lambda entry: entry[0]):
        text = (
            f"UNWIND $groups AS group {by_key(user_label, 'u', 'group[0]')}"
            f" UNWIND group[1] AS row {by_key(names.label(item_kind), 'i', 'row[0]')}"
            f" CREATE (u)-[:{names.interaction(kind)} {{id: row[1], _load: $load, time: row[2],"
            " weight: row[3], _number: row[4]}]->(i) RETURN count(*)"
        )
        # Sorted by their ends, so that transactions of other programs on the same nodes lock them in the same order.
        group.sort(key=lambda stored: (stored.event.user, stored.event.item))
        for part in slices(group):
            # Most have no number, and a missing element of a list is null.
            rows = (
                (e.user, [e.item, e.id, e.time, e.weight, *(() if number is None else (number,))])
                for e, number, _ in part
            )
            sent.append(send(transaction, text, groups=grouped(rows), load=load))
    return sum(result.single(strict=True)[0] for result in sent) == len(new)


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
        if too_long_to_index(value):
            return f"the event's {name} is longer than {LONGEST_KEY:,} bytes, which Neo4j cannot index"
    return None
