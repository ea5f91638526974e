"""What a child of a fork inherits: no lock, and no connection to a database."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kg.locking import FileLock
from kg.rows import Event
from kg.stores.event_log import EventLog

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")


@contextmanager
def child(work: Callable[[], bool]) -> Iterator[Callable[[], int]]:
    """A child that does `work`; gives a function that waits for it: 0 where the work gave True."""
    process = os.fork()
    if not process:
        code = 1
        try:
            code = 0 if work() else 2
        finally:
            os._exit(code)
    yield lambda: os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def event(number: int) -> Event:
    return Event.of("u", f"i{number}", "film", "rating", time=float(number))


def test_a_child_does_not_hold_its_parents_lock(tmp_path: Path) -> None:
    lock, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert lock.acquire()

    def parents_lock_is_not_mine() -> bool:
        # Until the parent lets go.
        return not lock._held and FileLock(tmp_path / "lock").acquire(20)

    with child(parents_lock_is_not_mine) as ended, child(lambda: time.sleep(2) is None) as idle:
        assert not other.acquire(0.2)
        lock.release()
        assert ended() == 0
        assert other.acquire(), "an idle child kept the lock"
        assert idle() == 0


def test_a_lock_that_is_shared_keeps_out_who_wants_it_alone(tmp_path: Path) -> None:
    one, two, alone = (FileLock(tmp_path / "lock") for _ in range(3))
    assert one.acquire(shared=True)
    assert two.acquire(shared=True)
    assert not alone.acquire()
    one.release()
    assert not alone.acquire()
    two.release()
    assert alone.acquire()
    assert not one.acquire(shared=True)


def test_forks_while_threads_write_leave_parent_and_children_able_to(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.sqlite")
    stop = threading.Event()
    written = [0, 0]

    def write(thread: int) -> None:
        while not stop.is_set():
            assert log.append([event(2 * written[thread] + thread)]).written == 1
            written[thread] += 1

    threads = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    try:
        waits = []
        for number in range(12):
            with child(lambda: log.append([event(-number - 1)]).written == 1 and log.count() > 0) as ended:  # noqa: B023
                waits.append(ended)
            before = sum(written)
            until = time.monotonic() + 20
            while sum(written) < before + 5:
                assert time.monotonic() < until, "after a fork nothing is written any more"
                time.sleep(0.001)
        assert [ended() for ended in waits] == [0] * 12
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert log.count() == sum(written) + 12
