"""Append events of a running system, and read them back in order of arrival."""

from __future__ import annotations

from collections.abc import Sequence

from neo4j import ManagedTransaction

from kg.rows import Event
from kg.schema import DomainSchema
from kg.stores.errors import StoreError
from kg.stores.fitting import event_misfit, refusals_of
from kg.stores.neo4j.answers import numbers, texts
from kg.stores.neo4j.connection import rows
from kg.stores.neo4j.event_rows import LOST_ENDS, StoredEvent, create_events, resolve_events, unindexable_event
from kg.stores.neo4j.names import Names
from kg.stores.neo4j.state import read_state, set_state, take_turn
from kg.stores.protocol import Appended, AppendReport
from kg.stores.snapshots import Moved


def append_events(
    transaction: ManagedTransaction,
    schema: DomainSchema,
    schema_text: str,
    events: Sequence[Event],
    attempted: set[str],
) -> AppendReport:
    """Write events; see `GraphStore.append_events`. Raises Moved if the store's schema is another.

    `attempted` outlives a repetition of the transaction: ids that an earlier attempt has created. If they exist now,
    that attempt was committed and only its answer was lost.
    """
    counters, mark = take_turn(transaction)
    if (counters.schema or (mark.schema if mark else None)) != schema_text:
        raise Moved
    names = counters.names
    resolved = resolve_events(transaction, schema, counters, names, events, _misfits(schema, events))
    refused = {refusal.row: refusal.reason for refusal in resolved.refused}
    outcomes: list[Appended] = []
    new: dict[str, StoredEvent] = {}
    lost = set(attempted)
    for row, event in enumerate(events):
        if not resolved.usable[row]:
            outcomes.append(Appended.REFUSED)
            continue
        before = resolved.stored.get(event.id) or new.get(event.id)
        if before is None:
            new[event.id] = StoredEvent(event, counters.last_event + len(new) + 1, 0)
            outcomes.append(Appended.WRITTEN)
        elif before.event == event:
            was_lost = event.id in lost and event.id in resolved.stored
            outcomes.append(Appended.WRITTEN if was_lost else Appended.ALREADY_THERE)
            lost.discard(event.id)
        else:
            refused[row] = f"an event with the id {event.id!r} and other content is there already"
            outcomes.append(Appended.REFUSED)
    event_generation = counters.event_generation
    attempted.update(new)
    if new:
        if not create_events(transaction, schema, names, list(new.values()), load=0):
            raise StoreError(LOST_ENDS)
        event_generation = counters.last_event + len(new)
        set_state(
            transaction, last_event=event_generation, event_generation=event_generation, last_node=resolved.last_node
        )
    elif resolved.last_node != counters.last_node:
        set_state(transaction, last_node=resolved.last_node)
    return AppendReport(tuple(outcomes), refusals_of(refused), event_generation)


def _misfits(schema: DomainSchema, events: Sequence[Event]) -> dict[int, str]:
    """Rows that no transaction can write, with the reason, judged from themselves and the schema alone."""
    reasons = ((row, event_misfit(schema, event) or unindexable_event(event)) for row, event in enumerate(events))
    return {row: reason for row, reason in reasons if reason}


def events_since(transaction: ManagedTransaction, event_generation: int) -> tuple[Sequence[Event], int]:
    """Events appended after a number; see `GraphStore.events_since`."""
    counters, _ = read_state(transaction)
    upto = counters.event_generation
    if event_generation >= upto:
        return (), upto
    numbered: list[tuple[int, Event]] = []
    for kind in counters.names.interactions:
        numbered.extend(_of_kind(transaction, counters.names, kind, event_generation, upto))
    numbered.sort(key=lambda pair: pair[0])
    return [event for _, event in numbered], upto


def _of_kind(
    transaction: ManagedTransaction, names: Names, kind: str, after: int, upto: int
) -> list[tuple[int, Event]]:
    spelling = names.interaction(kind)
    text = (
        f"MATCH (u)-[r:{spelling}]->(i) USING INDEX SEEK r:{spelling}(_number)"
        " WHERE r._number > $after AND r._number <= $upto"
        " RETURN r._number, r.id, u.key, i.key, labels(i), r.time, r.weight"
    )
    records = rows(transaction, text, after=after, upto=upto)
    for event_id, user, item in (row[1:4] for row in records):
        texts((event_id, user, item), f"the id, user or item of a {kind!r}")
    for time, weight in (row[5:] for row in records):
        numbers([number for number in (time, weight) if number is not None], f"the time or weight of a {kind!r}")
    return [
        (number, Event(event_id, user, item, names.kind_of(labels) or "", kind, time, weight))
        for number, event_id, user, item, labels, time, weight in records
    ]
