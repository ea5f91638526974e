"""Keep recorded events whose item a replacing load removed, as nodes, until a load brings the item back.

A relationship needs its ends, so such an event is a node with the label `WAITING_LABEL` and the properties `id`,
`kind`, `user`, `item_kind`, `item`, `time` and `weight`, under the names and keys that it was recorded with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neo4j import ManagedTransaction

from kg.rows import Event
from kg.schema import DomainSchema
from kg.stores.changes import ChangedRows
from kg.stores.errors import StoreError
from kg.stores.neo4j.answers import damaged, numbers, texts
from kg.stores.neo4j.changes import note_change
from kg.stores.neo4j.connection import first, rows
from kg.stores.neo4j.event_rows import LOST_ENDS, StoredEvent, create_events, resolve_events
from kg.stores.neo4j.names import WAITING_LABEL, Names
from kg.stores.neo4j.state import Counters

_AT_ONCE = 10_000


def set_aside(names: Names, kind: str, pattern: str, limit: int | None = None) -> tuple[str, dict[str, Any]]:
    """The statement, with its parameters, that converts appended events of one kind to waiting nodes and counts them.

    pattern: matches the events as `x`, from their users `u` to their items `i`.
    """
    some = "" if limit is None else f" LIMIT {limit}"
    text = (
        f"{pattern} WITH DISTINCT u, x, i{some}"
        f" CREATE (:{WAITING_LABEL} {{id: x.id, kind: $waiting_kind, user: u.key, item: i.key,"
        " item_kind: head([pair IN $waiting_labels WHERE pair[0] IN labels(i) | pair[1]]),"
        " time: x.time, weight: x.weight}) DELETE x RETURN count(x)"
    )
    return text, {"waiting_kind": kind, "waiting_labels": [[label, name] for name, label in names.labels.items()]}


def bring_back(
    write: Callable[[Callable[[ManagedTransaction, Counters, dict[str, Any]], int]], int],
    schema: DomainSchema,
    items_named_by: int | None,
    place: str,
) -> None:
    """Append again events that wait for items that exist now (with `items_named_by`: that this load has named).

    `write` runs a batch of a load, whose mapping takes changed properties of the store's node; `place` is the store's
    URL. Raises StoreDamaged if nodes of other programs have the label.
    """

    def some(transaction: ManagedTransaction, counters: Counters, changes: dict[str, Any]) -> int:
        looked_at, changed = _bring_back_some(transaction, schema, counters, items_named_by)
        changes |= changed
        return looked_at

    with damaged(place):
        while write(some):
            pass


def _bring_back_some(
    transaction: ManagedTransaction, schema: DomainSchema, counters: Counters, items_named_by: int | None
) -> tuple[int, dict[str, Any]]:
    names = counters.names
    condition = "" if items_named_by is None else " WHERE i._load = $load"
    events: list[Event] = []
    if count_waiting(transaction):
        for kind, spec in schema.interactions.items():
            for item_kind in spec.items:
                text = (
                    f"MATCH (w:{WAITING_LABEL} {{kind: $kind, item_kind: $item_kind}})"
                    f" MATCH (i:{names.label(item_kind)} {{key: w.item}}){condition}"
                    f" RETURN w.id, w.user, w.item, w.time, w.weight LIMIT {_AT_ONCE}"
                )
                for *keys, time, weight in rows(transaction, text, kind=kind, item_kind=item_kind, load=items_named_by):
                    event_id, user, item = texts(keys, "the id, user or item of an event that waits")
                    numbers([n for n in (time, weight) if n is not None], "the time or weight of an event")
                    events.append(Event(event_id, user, item, item_kind, kind, time, weight))
    if not events:
        return 0, {}
    resolved = resolve_events(transaction, schema, counters, names, events)
    # An id that exists by now was recorded again, and is kept.
    usable = zip(events, resolved.usable, strict=True)
    back = [event for event, is_usable in usable if is_usable and event.id not in resolved.stored]
    new = [StoredEvent(event, counters.last_event + step, 0) for step, event in enumerate(back, 1)]
    if not create_events(transaction, schema, names, new, load=0):
        raise StoreError(LOST_ENDS)
    text = f"UNWIND $ids AS id MATCH (w:{WAITING_LABEL} {{id: id}}) DETACH DELETE w"
    rows(transaction, text, ids=[event.id for event in events])
    changes = {"last_event": counters.last_event + len(new), "last_node": resolved.last_node}
    # Appended again, so snapshots get them as events.
    note_change(transaction, counters, changes, ChangedRows)
    return len(events), changes


def count_waiting(transaction: ManagedTransaction, user: str | None = None) -> int:
    """Number of waiting events, of all users or of one."""
    condition = "" if user is None else " WHERE w.user = $user"
    return first(transaction, f"MATCH (w:{WAITING_LABEL}){condition} RETURN count(w)", user=user)[0]


def forget_waiting(transaction: ManagedTransaction, user: str) -> int:
    """Remove a user's waiting events; return their number."""
    text = f"MATCH (w:{WAITING_LABEL}) WHERE w.user = $user DETACH DELETE w RETURN count(w)"
    return first(transaction, text, user=user)[0]
