"""Convert events to rows of an event log and back: the columns, and the checks of a row."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from kg.rows import Event
from kg.stores.sqlite import DamagedContent, checked, integer, real, text

COLUMNS = "id, user, item, item_kind, kind, time, weight"

_CHECKED = (
    text("event.id"),
    text("event.user"),
    text("event.item"),
    text("event.item_kind"),
    text("event.kind"),
    real("event.time"),
    real("event.weight"),
)


def values_of(event: Event) -> tuple:
    """The row of an event."""
    return event.id, event.user, event.item, event.item_kind, event.kind, event.time, event.weight


def event_of(row: Sequence) -> Event:
    """The event of a row. Raises DamagedContent."""
    return _event(checked([tuple(row)], *_CHECKED)[0])


def numbered(rows: sqlite3.Cursor) -> list[tuple[int, Event]]:
    """The numbers and events of rows (number, *COLUMNS). Raises DamagedContent."""
    return [(number, _event(row)) for number, *row in checked(rows, integer("event.number"), *_CHECKED)]


def _event(row: Sequence) -> Event:
    event = Event(*row)
    if not (event.id and event.user and event.item):
        raise DamagedContent("an event has no id, user or item")
    return event
