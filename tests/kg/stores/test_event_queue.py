"""Events that wait for their store's server: durable, in order, none lost, none doubled, refusals kept with reasons."""

from __future__ import annotations

import multiprocessing
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from kg.opening import open_store
from kg.rows import Event
from kg.stores import Appended, AppendReport, GraphStore, StoreBusy, StoreUnavailable
from kg.stores.event_queue import Delivery, EventQueue, queues
from tests.kg.stores import queue_victims
from whypath.testing.stores.base import load
from whypath.testing.stores.domain import EVENTS, films_schema

SEED = 7


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GraphStore:
    monkeypatch.setenv("WHYPATH_DATA", str(tmp_path / "data"))
    store = open_store(tmp_path / "store", create=True)
    load(store)
    return store


@pytest.fixture
def queue(store: GraphStore) -> EventQueue:
    return EventQueue(store.url)


def views(*numbers: int, user: str = "ann") -> list[Event]:
    return [Event.of(user, "1", "film", "view", time=100.0 + number, id=f"e{number}") for number in numbers]


def put(queue: EventQueue, events: Sequence[Event]) -> AppendReport:
    return queue.put(events, films_schema(), 7)


def away(_: Sequence[Event]) -> AppendReport:
    raise StoreUnavailable("nobody answers")


def live(store: GraphStore) -> list[Event]:
    return [event for event in store.events_since(0)[0] if event not in EVENTS]


def test_nothing_is_made_before_an_event_waits(queue: EventQueue, store: GraphStore, tmp_path: Path) -> None:
    assert (queue.exists, queue.count(), queue.since(0), queue.refused()) == (False, 0, ([], 0), [])
    assert queue.deliver(store.append_events) == Delivery()
    with queue.held():
        assert queue.forget("ann") == 0
    assert not (tmp_path / "data").exists()
    assert queues() == []


def test_events_wait_and_are_delivered_in_order(queue: EventQueue, store: GraphStore) -> None:
    report = put(queue, views(3, 1))
    assert report.outcomes == (Appended.QUEUED,) * 2
    assert (report.queued, report.written, report.event_generation) == (2, 0, 7)
    # Another process finds what waits; the same event waits once.
    again = EventQueue(queue.url)
    assert put(again, views(1, 2)).queued == 2
    waiting, reached = again.since(0)
    assert waiting == views(3, 1, 2)
    assert again.since(reached) == ([], reached)
    with pytest.raises(StoreUnavailable):
        again.deliver(away)
    assert [(each.url, each.events, each.refused) for each in queues()] == [(store.url, 3, 0)]
    assert again.deliver(store.append_events) == Delivery(delivered=3)
    assert live(store) == views(3, 1, 2)
    assert (again.count(), queues()) == (0, [])


def test_what_the_schema_does_not_know_does_not_wait(queue: EventQueue) -> None:
    misfit = Event.of("ann", "1", "film", "bought")
    twin = Event.of("ann", "2", "film", "view", id="e1")
    report = put(queue, [misfit, *views(1), twin])
    assert report.outcomes == (Appended.REFUSED, Appended.QUEUED, Appended.REFUSED)
    assert [refusal.row for refusal in report.refused] == [0, 2]
    assert "bought" in report.refused[0].reason
    assert "other content" in report.refused[1].reason
    assert queue.count() == 1


def test_what_the_store_refuses_is_kept_with_the_reason(queue: EventQueue, store: GraphStore) -> None:
    store.append_events([Event.of("bob", "2", "film", "view", id="e2")])
    unknown = Event.of("ann", "later", "film", "view", id="e0")
    put(queue, [unknown, *views(1, 2, 3)])
    delivery = queue.deliver(store.append_events)
    assert (delivery.delivered, delivery.waiting) == (2, 0)
    assert [refused.event.id for refused in delivery.refused] == ["e0", "e2"]
    for refused, word in zip(queue.refused(), ("later", "other content"), strict=True):
        assert word in refused.reason
    assert queue.refused()[0].event == unknown
    assert [(each.events, each.refused) for each in queues()] == [(0, 2)]
    # A process that dies while it writes a refusal down leaves half a line; the event still waits then.
    path = next((Path(queue._folder)).glob("refused.jsonl"))
    with path.open("a") as file:
        file.write(path.read_text().splitlines()[-1][:40])
    put(queue, [unknown])
    assert len(queue.deliver(store.append_events).refused) == 1
    assert [refused.event.id for refused in queue.refused()] == ["e0", "e2"]


def test_a_delivery_that_was_cut_short_doubles_nothing(queue: EventQueue, store: GraphStore) -> None:
    put(queue, views(*range(5)))

    def lost(events: Sequence[Event]) -> AppendReport:
        store.append_events(events)
        raise StoreUnavailable("the answer is lost")

    with pytest.raises(StoreUnavailable):
        queue.deliver(lost)
    assert queue.count() == 5
    assert queue.deliver(store.append_events).delivered == 5
    assert live(store) == views(*range(5))


def test_a_user_who_is_forgotten_does_not_wait(queue: EventQueue, store: GraphStore) -> None:
    put(queue, [*views(1, user="ann"), *views(2, user="bob"), Event.of("ann", "later", "film", "view")])
    queue.deliver(store.append_events)
    put(queue, [*views(3, user="ann"), *views(4, user="bob")])
    with queue.held():
        assert queue.forget("ann") == 2
    assert queue.since(0)[0] == views(4, user="bob")
    assert queue.refused() == []
    files = [path for path in queue._folder.iterdir() if path.is_file()]
    assert not [path for path in files if b"ann" in path.read_bytes()]


def test_one_process_delivers_at_a_time(queue: EventQueue, store: GraphStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.stores.event_queue._LOCK_SECONDS", 0.0)
    put(queue, views(1))
    other = EventQueue(queue.url)
    with queue.held():
        assert other.deliver(store.append_events) == Delivery(waiting=1)
        with pytest.raises(StoreBusy, match="being delivered"), other.held():
            pass
    assert other.deliver(store.append_events).delivered == 1


@pytest.fixture(scope="module")
def spawner() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.kg.stores.queue_victims"])
    return context


def killed_after(spawner: Any, messages: int, target: Callable[..., None], *args: object) -> list[Any]:
    """Run a victim, kill it after so many messages, and give back all that it sent."""
    receiving, sending = spawner.Pipe(duplex=False)
    process = spawner.Process(target=target, args=(*args, sending))
    process.start()
    sending.close()
    sent: list[Any] = []
    try:
        while len(sent) < messages:
            sent.append(receiving.recv())
        process.kill()
        while True:
            sent.append(receiving.recv())
    except EOFError:
        process.join()
    return sent


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
def test_killed_processes_lose_and_double_nothing(
    spawner: Any, queue: EventQueue, store: GraphStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    moments = random.Random(SEED)
    print(f"seed {SEED}")
    acknowledged: list[str] = []
    for round in range(6):
        for events in killed_after(spawner, moments.randrange(1, 12), queue_victims.put, store.url, round):
            acknowledged += events
        killed_after(spawner, moments.randrange(1, 5), queue_victims.deliver, store.url, round)
    queue.deliver(store.append_events)
    delivered = [event.id for event in live(store)]
    assert len(set(delivered)) == len(delivered)
    assert set(acknowledged) <= set(delivered)
    # In order, and beyond what was acknowledged at most the one batch in flight of each process that was killed.
    assert [event for event in delivered if event in set(acknowledged)] == acknowledged
    assert len({event.rpartition("-")[0] for event in set(delivered) - set(acknowledged)}) <= 6
    assert len(acknowledged) > 20
