"""Append events of a running system, and read them back in order of arrival."""

from __future__ import annotations

from collections.abc import Sequence

from kg.rows import Event
from kg.schema import DomainSchema
from kg.stores.embedded.event_rows import insert_events, resolve_events
from kg.stores.embedded.rows import EVENT_CONTENT, unpacked_id
from kg.stores.embedded.state import current_schema, names_of, read_counters
from kg.stores.fitting import event_misfits, refusals_of
from kg.stores.protocol import Appended, AppendReport
from kg.stores.snapshots import Moved
from kg.stores.sqlite import Database, blob, checked, text


def append_events(database: Database, schema: DomainSchema, schema_text: str, events: Sequence[Event]) -> AppendReport:
    """Write events in one transaction; see `GraphStore.append_events`. Raises Moved if the store's schema is
    another.
    """
    with database.writing() as connection:
        if current_schema(connection) != schema_text:
            raise Moved
        known = names_of(connection, schema)
        counters = read_counters(connection)
        resolved = resolve_events(connection, schema, known, events, event_misfits(schema, events))
        refused = {refusal.row: refusal.reason for refusal in resolved.refused}
        outcomes: list[Appended] = []
        rows: list[tuple] = []
        contents = {packed: content for packed, (content, _) in resolved.stored.items()}
        number = counters.last_event
        for row, (packed, content) in enumerate(zip(resolved.ids, resolved.content, strict=True)):
            if content is None:
                outcomes.append(Appended.REFUSED)
                continue
            before = contents.get(packed)
            if before is None:
                number += 1
                rows.append((number, packed, *content, 0, 0))
                contents[packed] = content
                outcomes.append(Appended.WRITTEN)
            elif before == content:
                outcomes.append(Appended.ALREADY_THERE)
            else:
                refused[row] = f"an event with the id {events[row].id!r} and other content is there already"
                outcomes.append(Appended.REFUSED)
        event_generation = counters.event_generation
        if rows:
            insert_events(connection, rows)
            event_generation = number
            connection.execute("UPDATE state SET last_event = ?, event_generation = ?", (number, number))
    return AppendReport(tuple(outcomes), refusals_of(refused), event_generation)


_SINCE = """
    SELECT event.id, user.key, item.key, item_kind.name, kind.name, event.time, event.weight
    FROM event
    LEFT JOIN node AS user ON user.id = event.user
    LEFT JOIN node AS item ON item.id = event.item
    LEFT JOIN name AS item_kind ON item_kind.id = item.kind
    LEFT JOIN name AS kind ON kind.id = event.kind
    WHERE event.number > ? AND event.born = 0
    ORDER BY event.number
"""
# An event without its node or name has a null there, which no column may have.
_SINCE_COLUMNS = (
    blob("event.id"),
    text("key of the user of an event"),
    text("key of the item of an event"),
    text("kind of the item of an event"),
    text("kind of an event"),
    *EVENT_CONTENT[3:],
)


def events_since(database: Database, event_generation: int) -> tuple[Sequence[Event], int]:
    """Events appended after a number; see `GraphStore.events_since`."""
    with database.reading() as connection:
        counters = read_counters(connection)
        if event_generation >= counters.event_generation:
            return (), counters.event_generation
        rows = checked(connection.execute(_SINCE, (event_generation,)), *_SINCE_COLUMNS)
        events = [Event(unpacked_id(packed), *rest) for packed, *rest in rows]
    return events, counters.event_generation
