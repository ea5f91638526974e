"""The event log: each id once, in order, durable also when the process is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.rows import Event
from kg.stores import Appended, StoreDamaged, StoreError
from kg.stores.event_log import EventLog


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    log = EventLog(tmp_path / "folder" / "events.sqlite")
    yield log
    log.close()


def view(user: str, item: str, **options: object) -> Event:
    return Event.of(user, item, "film", "view", **options)  # pyright: ignore[reportArgumentType]


def test_events_come_back_in_their_order_with_their_numbers(log: EventLog) -> None:
    events = [view("ann", "1", time=2.5), view("bob", "2", weight=4), view("ann", "é\n", id="given")]
    report = log.append(events)
    assert report.outcomes == (Appended.WRITTEN,) * 3
    assert log.since(0) == (events, report.event_generation)
    assert log.since(report.event_generation) == ([], report.event_generation)
    first, reached = log.since(0, limit=2)
    assert first == events[:2]
    assert log.since(reached) == (events[2:], report.event_generation)
    assert (log.count(), log.count("ann"), log.count("nobody")) == (3, 2, 0)


def test_an_id_is_there_once(log: EventLog) -> None:
    log.append([view("ann", "1", id="a")])
    report = log.append([view("ann", "1", id="a"), view("ann", "2", id="a"), view("ann", "3", id="b")])
    assert report.outcomes == (Appended.ALREADY_THERE, Appended.REFUSED, Appended.WRITTEN)
    assert [refusal.row for refusal in report.refused] == [1]
    assert "'a'" in report.refused[0].reason
    assert log.count() == 2


def test_a_number_is_never_given_twice(log: EventLog) -> None:
    last = log.append([view("ann", "1"), view("ann", "2")]).event_generation
    log.remove_up_to(last)
    assert log.since(0) == ([], last)
    assert log.append([view("ann", "3")]).event_generation == last + 1
    assert log.since(last)[0] == [view("ann", "3")]


def test_a_removed_user_is_not_left_in_the_file(log: EventLog, tmp_path: Path) -> None:
    log.append([view("a-name-to-forget", "1"), view("bob", "1")])
    assert log.remove_user("a-name-to-forget") == 1
    assert log.count("a-name-to-forget") == 0
    log.close()
    for path in (tmp_path / "folder").iterdir():
        assert b"a-name-to-forget" not in path.read_bytes()


def test_only_its_owner_may_look_into_the_folder(log: EventLog, tmp_path: Path) -> None:
    assert (tmp_path / "folder").stat().st_mode & 0o077 == 0


def test_files_that_are_no_event_log_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t (a)")
    with pytest.raises(StoreDamaged, match="another program, not an event log"):
        EventLog(other)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be made"):
        EventLog(tmp_path / "file" / "folder" / "events.sqlite")


def _append_until_killed(path: Path, process: int, told: multiprocessing.SimpleQueue[str]) -> None:
    log = EventLog(path)
    for number in range(10_000):
        event = view(f"user {process}", str(number))
        log.append([event])
        told.put(event.id)


def test_what_was_acknowledged_outlives_killed_processes(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    context = multiprocessing.get_context("spawn")
    told: multiprocessing.SimpleQueue[str] = context.SimpleQueue()
    processes = [context.Process(target=_append_until_killed, args=(path, each, told)) for each in range(2)]
    for process in processes:
        process.start()
    acknowledged = {told.get() for _ in range(60)}
    for process in processes:
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
    log = EventLog(path)
    events, _ = log.since(0)
    assert acknowledged <= {event.id for event in events}
    for user in {event.user for event in events}:
        items = [event.item for event in events if event.user == user]
        assert items == [str(number) for number in range(len(items))]
    log.close()


_EVENTS = st.lists(
    st.builds(
        Event,
        id=st.sampled_from("abcdef"),
        user=st.sampled_from(["u", "v"]),
        item=st.sampled_from("xyz"),
        item_kind=st.just("film"),
        kind=st.just("view"),
        time=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        weight=st.none() | st.integers(-5, 5).map(float),
    )
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(_EVENTS, max_size=4))
def test_it_holds_the_first_event_of_every_id(log: EventLog, batches: list[list[Event]]) -> None:
    log.remove_up_to(log.last())
    kept: dict[str, Event] = {}
    for batch in batches:
        expected: list[Appended] = []
        for event in batch:
            if event.id not in kept:
                kept[event.id] = event
                expected.append(Appended.WRITTEN)
            else:
                expected.append(Appended.ALREADY_THERE if kept[event.id] == event else Appended.REFUSED)
        assert list(log.append(batch).outcomes) == expected
    assert log.since(0)[0] == list(kept.values())
