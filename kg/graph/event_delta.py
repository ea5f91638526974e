"""`EventDelta`: a few events that overlay a snapshot, so that recording one does not copy all others.

The snapshots of a running engine are made one from the other, each with some events more. They share one log that only
grows; each sees its beginning. A user's events are found by the user's key, without reading other users' events.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kg.graph.parts import GraphParts
from kg.rows import Event

_LOCK_SECONDS = 1.0
"""Seconds to wait for another thread that adds events; it takes microseconds."""


@dataclass(frozen=True, slots=True)
class LaidEvent:
    """An event; `new_users`: number of users up to here that the base snapshot does not have."""

    event: Event
    new_users: int


class _Log:
    """Overlaid events in order, and their places by user; entries are only ever added."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.entries: list[LaidEvent] = []
        self.by_user: dict[str, list[int]] = {}
        self.keys: set[tuple[str, str, str]] = set()


class EventDelta:
    """The first `length` events of a log; immutable, safe to use from many threads."""

    __slots__ = ("_log", "length")

    def __init__(self, log: _Log | None = None, length: int = 0) -> None:
        self._log = log if log is not None else _Log()
        self.length = length

    def __len__(self) -> int:
        return self.length

    @property
    def new_users(self) -> int:
        """Users of these events that the base snapshot does not have."""
        return self._log.entries[self.length - 1].new_users if self.length else 0

    def entries(self) -> list[LaidEvent]:
        """The events in order."""
        return self._log.entries[: self.length]

    def of_user(self, user: str) -> list[LaidEvent]:
        """One user's events in order."""
        entries, length = self._log.entries, self.length
        return [entries[place] for place in self._log.by_user.get(user, ()) if place < length]

    def with_events(self, base: GraphParts, events: Iterable[Event]) -> EventDelta:
        """These and further events over `base`. Events that exist already, or whose item or kind `base` does not have,
        are left out. Costs time proportional to the number of further events.
        """
        latest = {_key(event): event for event in events}.values()
        usable = [event for event in latest if _item_of(base, event) >= 0]
        log = self._log
        # In the child of a fork, a thread that no longer exists may hold it forever.
        is_ours = log.lock.acquire(timeout=_LOCK_SECONDS)
        try:
            if not is_ours or len(log.entries) != self.length:
                # Another snapshot was made from the same base, with other events.
                log = self._copied()
            for event in usable:
                _append(log, base, event)
            return EventDelta(log, len(log.entries))
        finally:
            if is_ours:
                self._log.lock.release()

    def _copied(self) -> _Log:
        log = _Log()
        log.entries = self._log.entries[: self.length]
        for place, entry in enumerate(log.entries):
            log.by_user.setdefault(entry.event.user, []).append(place)
            log.keys.add(_key(entry.event))
        return log


def _key(event: Event) -> tuple[str, str, str]:
    """The identity of an event; the store, not this class, refuses an id that another user's event has."""
    return event.user, event.kind, event.id


def _item_of(base: GraphParts, event: Event) -> int:
    if event.item_kind not in base.schema.item_kinds or event.kind not in base.schema.interactions:
        return -1
    row = base.tables[event.item_kind].keys.find(event.item)
    return -1 if row < 0 else base.offsets[event.item_kind] + row


def _append(log: _Log, base: GraphParts, event: Event) -> None:
    if _key(event) in log.keys:
        return
    row = base.users.keys.find(event.user)
    if row >= 0 and _is_in_base(base, event, row):
        return
    before = log.entries[-1].new_users if log.entries else 0
    is_new = row < 0 and event.user not in log.by_user
    # The entry is added last: readers look at places below the length that they know.
    log.by_user.setdefault(event.user, []).append(len(log.entries))
    log.keys.add(_key(event))
    log.entries.append(LaidEvent(event, before + is_new))


def _is_in_base(base: GraphParts, event: Event, row: int) -> bool:
    tables = [table for table in base.events if table.kind == event.kind]
    return any(event.id in table.ids[table.of_user(row)] for table in tables)


def pieces(base: GraphParts, entries: Sequence[LaidEvent], kind: str) -> tuple[list[Event], list[int]]:
    """Events of one kind, and the dense indices of their items in `base`."""
    chosen = [entry.event for entry in entries if entry.event.kind == kind]
    return chosen, [_item_of(base, event) for event in chosen]
