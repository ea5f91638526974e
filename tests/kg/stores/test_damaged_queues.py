"""A damaged queue loses nothing that can be read, says what may be lost, and goes on taking and giving events."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.opening import open_store
from kg.rows import Event
from kg.stores import Appended, AppendReport, GraphStore, StoreDamaged, StoreError
from kg.stores.event_log import EventLog
from kg.stores.event_queue import Delivery, EventQueue, QueueStuck, queues
from kg.stores.event_salvage import readable_events
from tests.kg.stores.damaged_files import PAGE, damage_bytes, damage_database, loosened
from whypath.testing.stores.base import load
from whypath.testing.stores.domain import films_schema


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EventQueue:
    monkeypatch.setenv("WHYPATH_DATA", str(tmp_path / "data"))
    return EventQueue("bolt://films")


def views(*numbers: int, user: str = "ann") -> list[Event]:
    return [Event.of(user, "1", "film", "view", time=100.0 + number, id=f"e{number}") for number in numbers]


def put(queue: EventQueue, events: Sequence[Event]) -> AppendReport:
    report = queue.put(events, films_schema(), 7)
    assert report.queued == len(events), report
    return report


class Taken:
    """A store that takes events, and knows each once."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}
        self.calls = 0

    def append(self, events: Sequence[Event]) -> AppendReport:
        self.calls += 1
        assert self.calls < 50, "the same events are delivered again and again"
        self.events |= {event.id: event for event in events}
        return AppendReport((Appended.WRITTEN,) * len(events), (), 0)


def zero_page(path: Path, page: int) -> None:
    """Zero a page, counted from 1 as SQLite does."""
    content = bytearray(path.read_bytes())
    content[(page - 1) * PAGE : page * PAGE] = bytes(PAGE)
    path.write_bytes(content)


def test_what_can_be_read_waits_on(queue: EventQueue, caplog: pytest.LogCaptureFixture) -> None:
    put(queue, views(*range(2000)))
    queue.close()
    path = queue._folder / "events.sqlite"
    whole = readable_events(path)
    assert whole == views(*range(2000))
    # A leaf of the table in the middle of the file: some fifty events are gone, all others are there.
    content = path.read_bytes()
    pages = range(len(content) // PAGE)
    zero_page(path, next(at for at in pages if b"e1000ann" in content[at * PAGE : (at + 1) * PAGE]) + 1)
    with caplog.at_level(logging.ERROR):
        put(queue, views(5000))
        left = queue.since(0)[0]
    assert 1800 < len(left) < 2001
    assert left[-1] == views(5000)[0]
    assert {event.id for event in left} < {event.id for event in [*whole, *views(5000)]}
    assert str(path) in caplog.text
    assert "may be lost" in caplog.text
    assert [waiting.damaged for waiting in queues()] == [(str(path),)]
    taken = Taken()
    assert queue.deliver(taken.append) == Delivery(delivered=len(left))
    assert list(taken.events.values()) == left
    # Another process uses the same file from then on.
    assert put(EventQueue(queue.url), views(5001)).queued == 1
    assert queue.since(0)[0] == views(5001)


def test_a_delivery_ends_where_delivered_events_are_not_found_by_their_ids(queue: EventQueue) -> None:
    put(queue, views(1, 2, 3))
    queue.close()
    path = queue._folder / "events.sqlite"
    # The index of ids leads nowhere, the table is whole.
    with closing(sqlite3.connect(path)) as connection:
        index = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name LIKE 'sqlite_autoindex%'").fetchone()[
            0
        ]
    content = bytearray(path.read_bytes())
    start = (index - 1) * PAGE
    content[start : start + PAGE] = bytes([10, 0, 0, 0, 0, 16, 0, 0]) + bytes(PAGE - 8)
    path.write_bytes(content)
    taken = Taken()
    delivery = EventQueue(queue.url).deliver(taken.append)
    assert list(taken.events.values()) == views(1, 2, 3)
    assert (delivery.delivered, delivery.waiting) == (3, 0)
    assert queue.deliver(taken.append) == Delivery()


def test_a_delivery_ends_where_nothing_can_be_removed(queue: EventQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    put(queue, views(1, 2, 3))
    taken = Taken()
    holder = sqlite3.connect(queue._folder / "events.sqlite", isolation_level=None)
    monkeypatch.setattr("kg.stores.sqlite.database.BUSY_SECONDS", 0.05)
    again = EventQueue(queue.url)
    holder.execute("BEGIN IMMEDIATE")
    for _ in range(3):
        with pytest.raises(QueueStuck):
            again.deliver(taken.append)
    # Delivered once, and not with every further attempt.
    assert taken.calls == 1
    holder.execute("ROLLBACK")
    assert again.deliver(taken.append) == Delivery()
    assert (taken.calls, again.count()) == (1, 0)


def test_a_damaged_list_of_refused_events_is_read_as_far_as_it_goes(queue: EventQueue) -> None:
    put(queue, views(1))
    path = queue._folder / "refused.jsonl"
    line = '{"event": {"id": "%s", "user": "%s", "item": "1", "item_kind": "film", "kind": "view"}, "reason": "no"}\n'
    sound = [line % ("a", "ann"), line % ("b", "bob")]
    broken = [b"\xff\xfe}\n", b"{}\n", b"[]\n", b"5\n", b"[" * 5000 + b"}\n", b'{"event": 5, "reason": ""}\n']
    broken += [b'{"event": {"id": 5, "user": "x", "item": "", "item_kind": "", "kind": ""}, "reason": ""}\n']
    broken += [b'{"event": {"user": "ann", "item": "1"\n']
    path.write_bytes(b"".join([*broken[:3], sound[0].encode(), *broken[3:], sound[1].encode()]))
    assert [refused.event.user for refused in queue.refused()] == ["ann", "bob"]
    with queue.held():
        assert queue.forget("ann") == 2
    assert [refused.event.user for refused in queue.refused()] == ["bob"]
    # A line that cannot be read stays, unless the user stands in it.
    assert b"ann" not in path.read_bytes()
    assert b"\xff\xfe}" in path.read_bytes()


@pytest.mark.parametrize("note", [b"", b"{", b"\xff", b"[]", b'{"url": 5}', b'{"url": "bolt://other"}', b"[" * 5000])
def test_a_damaged_note_of_the_store_is_told_and_mended(queue: EventQueue, note: bytes) -> None:
    put(queue, views(1))
    (queue._folder / "store.json").write_bytes(note)
    (found,) = queues()
    assert found.damaged == (str(queue._folder / "store.json"),)
    put(queue, views(2))
    assert [(each.url, each.events, each.damaged) for each in queues()] == [(queue.url, 2, ())]


def test_a_user_in_a_damaged_file_is_told(queue: EventQueue) -> None:
    put(queue, [*views(1, user="somebody"), *views(2, user="bob")])
    queue.close()

    def change(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE event SET time = 'x' WHERE user = 'somebody'")

    loosened(queue._folder / "events.sqlite", change)
    assert queue.since(0)[0] == views(2, user="bob")
    with queue.held():
        assert queue.forget("somebody") == 0
    assert queue.damaged_with("somebody") == [queue._folder / "events.sqlite"]
    assert queue.damaged_with("carol") == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
@given(st.data())
def test_whatever_is_damaged_the_queue_goes_on(queue: EventQueue, tmp_path: Path, data: st.DataObject) -> None:
    shutil.rmtree(tmp_path / "data", ignore_errors=True)
    queue = EventQueue(queue.url)
    put(queue, views(*range(40)))
    queue._refused.add([])
    (queue._folder / "refused.jsonl").write_text("")
    queue.close()
    names = [
        "events.sqlite",
        "events.sqlite",
        "events.sqlite",
        "refused.jsonl",
        "store.json",
        "files.lock",
        "write.lock",
    ]
    name = data.draw(st.sampled_from(names))
    if name == "events.sqlite":
        damage_database(data.draw, queue._folder / name)
    else:
        damage_bytes(data.draw, queue._folder / name)
    queues()
    again = EventQueue(queue.url)
    try:
        put(again, [Event.of("new", "1", "film", "view", id="new")])
        again.since(0)
        again.count_of("ann")
        taken = Taken()
        delivery = again.deliver(taken.append)
        assert delivery.waiting == 0
        assert "new" in taken.events
        queues()
        with again.held():
            again.forget("ann")
    finally:
        again.close()


def test_an_event_log_that_is_damaged_says_so(tmp_path: Path) -> None:
    for number, (column, value) in enumerate([("user", 5), ("id", None), ("time", "x"), ("kind", b"x"), ("item", "")]):
        path = tmp_path / str(number) / "events.sqlite"
        log = EventLog(path)
        log.append(views(1, 2))
        log.close()

        def change(connection: sqlite3.Connection, column: str = column, value: object = value) -> None:
            connection.execute(f"UPDATE event SET {column} = ? WHERE number = 1", (value,))

        loosened(path, change)
        with pytest.raises(StoreError, match="damaged") as raised:
            EventLog(path).since(0)
        assert str(path) in str(raised.value)
        assert "move the file away" in str(raised.value)


def test_numbers_go_on_where_the_note_of_them_is_lost(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log" / "events.sqlite")
    last = log.append(views(1, 2)).event_generation
    log.close()
    with closing(sqlite3.connect(tmp_path / "log" / "events.sqlite")) as connection, connection:
        connection.execute("DELETE FROM sqlite_sequence")
    again = EventLog(tmp_path / "log" / "events.sqlite")
    assert again.last() == last
    assert again.append(views(3)).event_generation == last + 1


def test_an_embedded_store_takes_what_waited_in_a_damaged_queue(queue: EventQueue, tmp_path: Path) -> None:
    store: GraphStore = open_store(tmp_path / "store", create=True)
    load(store)
    put(queue, views(1, 2))
    queue.close()
    with closing(sqlite3.connect(queue._folder / "events.sqlite")) as connection, connection:
        connection.execute("DROP INDEX event_by_user")
    assert queue.deliver(store.append_events) == Delivery(delivered=2)


def test_what_is_acknowledged_while_a_file_is_given_up_is_delivered(queue: EventQueue) -> None:
    put(queue, views(0, user="first"))
    acknowledged: list[str] = ["e0"]

    def record(of: int) -> None:
        own = EventQueue(queue.url)
        for number in range(25):
            event = Event.of(f"user {of}", "1", "film", "view", id=f"{of}-{number}")
            put(own, [event])
            acknowledged.append(event.id)
        own.close()

    threads = [threading.Thread(target=record, args=(of,)) for of in range(3)]
    for thread in threads:
        thread.start()
    given_up = 0
    while any(thread.is_alive() for thread in threads):
        if given_up < 5:
            queue._files._give_up(queue._files._current(), StoreDamaged("as if it were damaged"))
            given_up += 1
    for thread in threads:
        thread.join()
    assert len(queue.damaged()) == given_up > 0
    assert len(acknowledged) == 76
    taken = Taken()
    queue.deliver(taken.append)
    assert set(acknowledged) == set(taken.events)


@pytest.mark.parametrize("last", [1e300, 2**63 - 1, "x", -1, None])
def test_a_queue_goes_on_where_the_note_of_its_numbers_is_damaged(queue: EventQueue, last: object) -> None:
    put(queue, views(1))
    queue.close()
    with closing(sqlite3.connect(queue._folder / "events.sqlite")) as connection, connection:
        connection.execute("UPDATE sqlite_sequence SET seq = ?", (last,))
    assert put(queue, views(2)).queued == 1
    assert queue.since(0)[0] == views(1, 2)
