"""What the tests of the event queue run in processes of their own, until they are killed: putting and delivering."""

from __future__ import annotations

from collections.abc import Sequence
from multiprocessing.connection import Connection

import kg.stores.event_queue
from kg.opening import open_store
from kg.rows import Event
from kg.stores import AppendReport
from kg.stores.event_queue import EventQueue
from whypath.testing.stores.domain import films_schema


def put(url: str, round: int, acknowledged: Connection) -> None:
    """Let events wait, one or several at a time, and say which."""
    queue = EventQueue(url)
    for number in range(1_000_000):
        events = [
            Event.of(f"r{round}", "1", "film", "view", time=float(number), id=f"{round}-{number:06}-{each}")
            for each in range(1 + number % 3)
        ]
        assert queue.put(events, films_schema(), 0).queued == len(events)
        acknowledged.send([event.id for event in events])


def deliver(url: str, round: int, acknowledged: Connection) -> None:
    """Deliver in small parts, and say when each is done."""
    kg.stores.event_queue.DELIVERED_AT_ONCE = 3
    queue, store = EventQueue(url), open_store(url)

    def append(events: Sequence[Event]) -> AppendReport:
        report = store.append_events(events)
        acknowledged.send(len(events))
        return report

    queue.deliver(append)
