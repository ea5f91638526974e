"""`EventQueue`: keep events on this machine until the server of their store is back.

Each store's URL has its own folder among the data of this user: `events.sqlite` with the waiting events,
`refused.jsonl` with events that the store refused on delivery, with the reasons. An event leaves the queue after the
store has it, and ids prevent duplicates after an interrupted delivery.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kg.durable import OWNER_ONLY, file_written_whole, make_private
from kg.folders import data_folder
from kg.forking import ForkAware, at_fork
from kg.locking import FileLock
from kg.rows import Event
from kg.schema import DomainSchema
from kg.stores.errors import StoreBusy, StoreError
from kg.stores.event_log import EventLog
from kg.stores.fitting import event_misfits, refusals_of
from kg.stores.hidden_files import hidden, is_there
from kg.stores.protocol import Appended, AppendReport
from kg.stores.queue_files import QueueFiles
from kg.stores.refused_events import RefusedEvent, RefusedEvents

DELIVERED_AT_ONCE = 1_000
"""Events per transaction of a delivery."""

_LOCK_SECONDS = 10.0
"""Seconds to wait for another process that delivers or removes events of the same queue."""


class QueueStuck(StoreError):
    """The files of a queue cannot be read or written, so nothing is delivered from it; the store may be fine."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The result of a delivery: events that are in the store now, events refused, events that still wait."""

    delivered: int = 0
    refused: tuple[RefusedEvent, ...] = ()
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queue of this machine: the store's URL, events that wait for it, events that it refused. `damaged`: files that
    could not be read, or only in part; events may be lost in them.
    """

    url: str
    events: int
    refused: int
    damaged: tuple[str, ...] = ()


class EventQueue(ForkAware):
    """The events that wait for one store; threads and processes may share it. The first event creates the file."""

    fork_rank = 4

    def __init__(self, url: str) -> None:
        self.url = url
        self._folder = _folder_of(url)
        self._files = QueueFiles(self._folder)
        self._delivered: dict[EventLog, int] = {}
        self._refused = RefusedEvents(self._folder / "refused.jsonl")
        at_fork(self)

    @property
    def exists(self) -> bool:
        """Whether an event has ever waited, as far as this user can see."""
        return is_there(self._folder / "events.sqlite", f"events that may wait for {self.url}")

    @property
    def hidden(self) -> str | None:
        """The file that this user cannot access, and why; None if all are accessible."""
        return hidden(self._folder / "events.sqlite")

    def put(self, events: Sequence[Event], schema: DomainSchema, event_generation: int) -> AppendReport:
        """Queue events; durable when it returns. Refused are events that the schema does not know, and an id that waits
        with other content; what else the store refuses shows on delivery.

        `event_generation` is the store's as far as known, for the report.
        """
        refused = event_misfits(schema, events)
        good = [row for row in range(len(events)) if row not in refused]
        if good:
            self._note()
            report = self._files.append([events[row] for row in good])
            refused |= {good[refusal.row]: refusal.reason for refusal in report.refused}
        outcomes = [Appended.REFUSED if row in refused else Appended.QUEUED for row in range(len(events))]
        return AppendReport(tuple(outcomes), refusals_of(refused), event_generation)

    def count(self) -> int:
        """Number of events that wait."""
        return self._files.on_log(lambda log: log.count()) if self.exists else 0

    def since(self, number: int) -> tuple[list[Event], int]:
        """Events queued after a number, in order, and the number to continue from."""
        return self._files.on_log(lambda log: log.since(number)) if self.exists else ([], number)

    def deliver(
        self,
        append: Callable[[Sequence[Event]], AppendReport],
        *,
        patience: float | None = None,
    ) -> Delivery:
        """Pass waiting events to `append` of the store, in order. Raises what that raises; the rest still waits. Raises
        QueueStuck where the queue's own files cannot be read or written.

        Does nothing while another process delivers for longer than `patience` seconds.
        """
        delivered = 0
        refused: list[RefusedEvent] = []
        with _own_files():
            if not self.count():
                return Delivery()
        with self._alone(patience) as alone:
            while alone:
                with _own_files():
                    self._remove_delivered()
                    log, (events, reached) = self._files.on_log(lambda log: (log, log.since(0, DELIVERED_AT_ONCE)))
                if not events:
                    break
                report = append(events)
                put_aside = [RefusedEvent(events[refusal.row], refusal.reason) for refusal in report.refused]
                refused += put_aside
                delivered += len(events) - len(put_aside)
                with _own_files():
                    self._refused.add(put_aside)
                    self._delivered[log] = reached
                    self._remove_delivered()
        with _own_files():
            return Delivery(delivered, tuple(refused), self.count())

    def _remove_delivered(self) -> None:
        """Remove delivered events, before anything else is delivered, so that events that cannot be removed are not
        delivered again and again. Raises StoreError.
        """
        # From the file that they were read from: another process may use the next one by now, and will deliver them
        # once more from there, which changes nothing.
        for log, reached in list(self._delivered.items()):
            self._files.removed(log, reached)
            del self._delivered[log]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Prevent deliveries meanwhile. Raises StoreBusy if another process does not finish."""
        if not self.exists:
            yield
            return
        with self._alone() as alone:
            if not alone:
                raise StoreBusy(f"events that waited for {self.url} are being delivered; try again")
            yield

    def forget(self, user: str) -> int:
        """Remove a user's events, waiting and refused; return their number. Inside `held`."""
        if not self.exists:
            return 0
        return self._files.on_log(lambda log: log.remove_user(user)) + self._refused.remove_user(user)

    def count_of(self, user: str) -> int:
        """Number of a user's events, waiting and refused."""
        if not self.exists:
            return 0
        return self._files.on_log(lambda log: log.count(user)) + sum(r.event.user == user for r in self.refused())

    def refused(self) -> list[RefusedEvent]:
        """Events that the store refused, with the reasons."""
        return self._refused.all()

    def damaged(self) -> list[Path]:
        """Files that could not be read, or only in part, and were set aside."""
        return self._files.damaged()

    def damaged_with(self, user: str) -> list[Path]:
        """Those of them that contain a user's id: they can only be cleaned by hand."""
        wanted = user.encode("utf-8", "surrogatepass")
        return [path for path in self.damaged() if path.is_file() and wanted in path.read_bytes()]

    def close(self) -> None:
        """Close the files."""
        self._files.close()

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`."""
        if in_child:
            self._files.forked()

    def _note(self) -> None:
        """Note the store of this queue, also where the note was damaged."""
        note = self._folder / "store.json"
        if _url_of(note) == self.url:
            return
        try:
            make_private(self._folder)
            with file_written_whole(note, mode=OWNER_ONLY) as file:
                file.write(json.dumps({"url": self.url}).encode())
        except OSError as error:
            raise StoreError(f"{note} cannot be written ({error.strerror}), so no event can wait") from None

    @contextmanager
    def _alone(self, patience: float | None = None) -> Iterator[bool]:
        lock = FileLock(self._folder / "delivery.lock")
        taken = lock.acquire(_LOCK_SECONDS if patience is None else patience)
        try:
            yield taken
        finally:
            lock.release()


@contextmanager
def _own_files() -> Iterator[None]:
    """Distinguish errors of the queue's own files from errors of the store."""
    try:
        yield
    except StoreError as error:
        raise QueueStuck(str(error)) from error


def _folder_of(url: str) -> Path:
    return data_folder() / "queues" / hashlib.blake2b(url.encode(), digest_size=16).hexdigest()


def _url_of(note: Path) -> str | None:
    """The URL in a note; None where it is missing, or is not the one that its folder is named for."""
    try:
        url = json.loads(note.read_bytes())["url"]
        return url if _folder_of(url).name == note.parent.name else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def queues() -> list[Waiting]:
    """All queues of this user on this machine with waiting or refused events or damaged files."""
    queued: list[Waiting] = []
    try:
        folders = sorted((data_folder() / "queues").glob("*/"))
    except PermissionError:
        return []  # none of them is this user's
    for folder in folders:
        url = _url_of(folder / "store.json")
        if url is None:
            # The next process that opens that store delivers its events, and repairs the note.
            if (folder / "events.sqlite").exists():
                queued.append(Waiting(f"a store that is not known, in {folder}", 0, 0, (str(folder / "store.json"),)))
            continue
        queue = EventQueue(url)
        try:
            waiting = Waiting(url, queue.count(), len(queue.refused()), tuple(map(str, queue.damaged())))
        except StoreError as error:
            waiting = Waiting(url, 0, 0, (str(error),))
        finally:
            queue.close()
        if waiting.events or waiting.refused or waiting.damaged:
            queued.append(waiting)
    return queued
