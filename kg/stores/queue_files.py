"""`QueueFiles`: the event log of a queue, and its successor when it is damaged.

A queue must still take events when its file is damaged: readable events are copied into another file, the damaged one
is kept for inspection, and the log names both. Files are not renamed, as SQLite may have them open elsewhere; a mark
beside a file says that it is out of use: after `events.sqlite.damaged` follows `events-1.sqlite`.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from kg.durable import OWNER_ONLY, file_written_whole, make_private
from kg.locking import FileLock
from kg.rows import Event
from kg.stores.errors import StoreBusy, StoreDamaged, StoreError
from kg.stores.event_log import EventLog
from kg.stores.event_salvage import readable_events
from kg.stores.protocol import AppendReport

_MARK = ".damaged"
_LOCK_SECONDS = 60.0
_MOST = 100
"""Maximum number of files of one queue, so that a disk that damages all of them is not written to forever."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


class QueueFiles:
    """The log files of one queue; threads and processes may share them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._logs: dict[Path, EventLog] = {}
        self._lock = threading.Lock()

    def append(self, events: Sequence[Event]) -> AppendReport:
        """See `EventLog.append`. Raises StoreError."""
        while True:
            path = self._current()
            try:
                self._make_folder()
                with _held(self._folder / "files.lock", shared=True):
                    # No process copies events out of an abandoned file while an event is being written into it.
                    if self._current() == path:
                        return self._opened(path).append(events)
            except StoreDamaged as error:
                self._give_up(path, error)

    def on_log(self, work: Callable[[EventLog], T]) -> T:
        """The result of `work` on the log in use, or on the next one if that is found to be damaged."""
        while True:
            path = self._current()
            try:
                return work(self._opened(path))
            except StoreDamaged as error:
                self._give_up(path, error)

    def removed(self, log: EventLog, number: int) -> None:
        """Remove events up to a number from a log that `on_log` gave. Raises StoreError."""
        path = next(path for path, opened in self._logs.items() if opened is log)
        try:
            log.remove_up_to(number)
        except StoreDamaged as error:
            self._give_up(path, error, delivered=number)

    def damaged(self) -> list[Path]:
        """Abandoned files that still exist, as far as this user can see."""
        try:
            marks = sorted(self._folder.glob(f"events*.sqlite{_MARK}"))
        except PermissionError:
            return []
        return [path for mark in marks if (path := mark.with_name(mark.name.removesuffix(_MARK))).exists()]

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            for log in self._logs.values():
                log.close()
            self._logs = {}

    def forked(self) -> None:
        """Call it in a forked child: a thread of the parent may hold the lock."""
        self._lock = threading.Lock()

    def _current(self) -> Path:
        """The first file that is not marked."""
        for number in range(_MOST):
            path = self._folder / (f"events-{number}.sqlite" if number else "events.sqlite")
            if not path.with_name(path.name + _MARK).exists():
                return path
        raise StoreError(f"{self._folder}: {_MOST} files were damaged one after the other; look at the disk")

    def _opened(self, path: Path) -> EventLog:
        with self._lock:
            log = self._logs.get(path)
            if log is None:
                log = self._logs[path] = EventLog(path)
            return log

    def _make_folder(self) -> None:
        try:
            make_private(self._folder)
        except OSError as error:
            raise StoreError(f"{self._folder} cannot be made: {error.strerror}") from None

    def _give_up(self, path: Path, error: StoreDamaged, *, delivered: int = 0) -> None:
        """Copy readable events of a damaged file into the next one, and mark it. `delivered`: the last number whose
        events the store has. Raises StoreError.
        """
        with _held(self._folder / "files.lock"):
            if self._current() != path:
                return  # another process has
            saved = readable_events(path, after=delivered)
            mark = path.with_name(path.name + _MARK)
            try:
                following = self._following(path)
                following.append(saved)
                with file_written_whole(mark, mode=OWNER_ONLY) as file:
                    file.write(json.dumps({"error": str(error), "saved": len(saved)}).encode())
            except OSError as failure:
                raise StoreError(f"{mark} cannot be written ({failure.strerror}); {error}") from None
        _log.error(
            "events that waited may be lost: %s. %d that could be read wait in the next file, others may be in this one"
            " still; remove it, and %s, when you no longer need it",
            error,
            len(saved),
            mark.name,
        )

    def _following(self, path: Path) -> EventLog:
        number = int(path.stem.partition("-")[2] or 0) + 1
        return self._opened(path.with_name(f"events-{number}.sqlite"))


@contextmanager
def _held(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold a lock of the queue's files. Raises StoreBusy, and StoreError where the lock cannot be made."""
    lock = FileLock(path)
    try:
        taken = lock.acquire(_LOCK_SECONDS, shared=shared)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}; writing needs rights and room there") from None
    if not taken:
        raise StoreBusy(f"{path}: other processes have held it for long; try again")
    try:
        yield
    finally:
        lock.release()
