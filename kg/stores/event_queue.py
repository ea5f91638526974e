"""`EventQueue`: events that wait on this machine until the server of their store is back.

Each store's URL has a folder of its own among the data of this user: `events.sqlite` with what waits, `refused.jsonl`
with what the store did not take when it was delivered, with the reasons. An event leaves the queue after the store has
it, and ids keep a delivery that was cut short from doubling anything.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from kg.durable import file_written_whole, flush
from kg.folders import data_folder
from kg.forking import at_fork
from kg.locking import FileLock
from kg.rows import Event
from kg.schema import DomainSchema
from kg.stores.errors import StoreBusy, StoreError
from kg.stores.event_log import EventLog
from kg.stores.fitting import event_misfit
from kg.stores.hidden_files import hidden, is_there
from kg.stores.protocol import Appended, AppendReport, Refusal

DELIVERED_AT_ONCE = 1_000
"""Events of one transaction of a delivery."""

_LOCK_SECONDS = 10.0
"""To wait for another process that delivers or removes events of the same queue."""


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """An event that the store did not take from the queue, and why; kept aside."""

    event: Event
    reason: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a delivery did: events that are in the store now, events refused, events that still wait."""

    delivered: int = 0
    refused: tuple[RefusedEvent, ...] = ()
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queue of this machine: the store's URL, events that wait for it, events that it refused."""

    url: str
    events: int
    refused: int


class EventQueue:
    """The events that wait for one store; threads and processes may share it. Nothing is made before an event waits."""

    fork_rank = 4

    def __init__(self, url: str) -> None:
        self.url = url
        self._folder = data_folder() / "queues" / hashlib.blake2b(url.encode(), digest_size=16).hexdigest()
        self._log: EventLog | None = None
        self._log_lock = threading.Lock()
        at_fork(self)

    @property
    def exists(self) -> bool:
        """Whether an event has ever waited, as far as this user may see."""
        return is_there(self._folder / "events.sqlite", f"events that may wait for {self.url}")

    @property
    def hidden(self) -> str | None:
        """What this user may not see of it, and why; None where they may see all."""
        return hidden(self._folder / "events.sqlite")

    def put(self, events: Sequence[Event], schema: DomainSchema, event_generation: int) -> AppendReport:
        """Let events wait; durable when it returns. Refused is what the schema does not know, and an id that waits
        with other content; what else the store refuses shows when it is delivered.

        `event_generation` is the store's as far as known, for the report.
        """
        refused = {row: reason for row, event in enumerate(events) if (reason := event_misfit(schema, event))}
        good = [row for row in range(len(events)) if row not in refused]
        if good:
            report = self._opened().append([events[row] for row in good])
            refused |= {good[refusal.row]: refusal.reason for refusal in report.refused}
        outcomes = [Appended.REFUSED if row in refused else Appended.QUEUED for row in range(len(events))]
        reasons = tuple(Refusal(row, reason) for row, reason in sorted(refused.items()))
        return AppendReport(tuple(outcomes), reasons, event_generation)

    def count(self) -> int:
        """Number of events that wait."""
        return self._opened().count() if self.exists else 0

    def since(self, number: int) -> tuple[list[Event], int]:
        """Events put after a number, in order, and the number that they lead to."""
        return self._opened().since(number) if self.exists else ([], number)

    def deliver(
        self,
        append: Callable[[Sequence[Event]], AppendReport],
        *,
        patience: float | None = None,
    ) -> Delivery:
        """Give what waits to `append` of the store, in order. Raises what that raises; the rest goes on waiting.

        Does nothing while another process delivers for longer than `patience` seconds.
        """
        delivered = 0
        refused: list[RefusedEvent] = []
        if not self.count():
            return Delivery()
        with self._alone(patience) as alone:
            while alone and (events := self._opened().since(0, DELIVERED_AT_ONCE)[0]):
                report = append(events)
                put_aside = [RefusedEvent(events[each.row], each.reason) for each in report.refused]
                self._put_aside(put_aside)
                self._opened().remove([event.id for event in events])
                refused += put_aside
                delivered += len(events) - len(put_aside)
        return Delivery(delivered, tuple(refused), self.count())

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing is delivered meanwhile. Raises StoreBusy if another process does not come to an end."""
        if not self.exists:
            yield
            return
        with self._alone() as alone:
            if not alone:
                raise StoreBusy(f"events that waited for {self.url} are being delivered; try again")
            yield

    def forget(self, user: str) -> int:
        """Remove a user's events, waiting and refused; how many there were. Inside `held`."""
        if not self.exists:
            return 0
        refused = self.refused()
        kept = [each for each in refused if each.event.user != user]
        if len(kept) < len(refused):
            with file_written_whole(self._folder / "refused.jsonl") as file:
                file.write("".join(map(_line, kept)).encode())
        return self._opened().remove_user(user) + len(refused) - len(kept)

    def count_of(self, user: str) -> int:
        """Number of a user's events, waiting and refused."""
        if not self.exists:
            return 0
        return self._opened().count(user) + sum(each.event.user == user for each in self.refused())

    def refused(self) -> list[RefusedEvent]:
        """Events that the store refused, with the reasons."""
        try:
            text = (self._folder / "refused.jsonl").read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        found: dict[str, RefusedEvent] = {}
        # A process that died between its line and the removal from the queue was followed by one that wrote it again;
        # one that died within its line left half of one.
        for line in text.splitlines():
            if line.endswith("}"):
                values = json.loads(line)
                found[values["event"]["id"]] = RefusedEvent(Event(**values["event"]), values["reason"])
        return list(found.values())

    def close(self) -> None:
        """Let go of the files."""
        with self._log_lock:
            if self._log is not None:
                self._log.close()
                self._log = None

    def before_fork(self) -> None:
        """See `ForkAware`."""

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`."""
        if in_child:
            self._log_lock = threading.Lock()

    def _opened(self) -> EventLog:
        with self._log_lock:
            if self._log is None:
                self._log = EventLog(self._folder / "events.sqlite")
                note = self._folder / "store.json"
                if not note.exists():
                    with file_written_whole(note) as file:
                        file.write(json.dumps({"url": self.url}).encode())
            return self._log

    @contextmanager
    def _alone(self, patience: float | None = None) -> Iterator[bool]:
        lock = FileLock(self._folder / "delivery.lock")
        taken = lock.acquire(_LOCK_SECONDS if patience is None else patience)
        try:
            yield taken
        finally:
            lock.release()

    def _put_aside(self, refused: Sequence[RefusedEvent]) -> None:
        if not refused:
            return
        path = self._folder / "refused.jsonl"
        try:
            with path.open("a", encoding="utf-8") as file:
                # Begins with a line break, in case the last process died within a line.
                file.write("\n" + "".join(map(_line, refused)))
                file.flush()
                os.fsync(file.fileno())
            flush(self._folder)
        except OSError as error:
            raise StoreError(
                f"{path}: refused events cannot be kept ({error.strerror}), so they go on waiting"
            ) from None


def queues() -> list[Waiting]:
    """All queues of this user on this machine in which something waits or was refused."""
    found: list[Waiting] = []
    for note in sorted((data_folder() / "queues").glob("*/store.json")):
        queue = EventQueue(json.loads(note.read_bytes())["url"])
        try:
            waiting = Waiting(queue.url, queue.count(), len(queue.refused()))
        finally:
            queue.close()
        if waiting.events or waiting.refused:
            found.append(waiting)
    return found


def _line(refused: RefusedEvent) -> str:
    return json.dumps({"event": asdict(refused.event), "reason": refused.reason, "at": time.time()}) + "\n"
