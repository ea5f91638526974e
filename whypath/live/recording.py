"""`Recorder`: write an engine's events to the store, or, while its server is unavailable, to a durable queue.

Queued events are delivered in order before newer ones are written, by the first process of this machine that can.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from numbers import Real
from typing import Protocol, Unpack

from kg.errors import WhyPathError
from kg.forking import at_fork
from kg.graph import KnowledgeGraph
from kg.ids import Id, id_text
from kg.rows import Event, EventParts
from kg.stores import Appended, AppendReport, DeletionReport, GraphStore, StoreBusy, StoreError, StoreUnavailable
from kg.stores.event_queue import Delivery, EventQueue, QueueStuck
from kg.visible import has_halves
from whypath.live.following import ASK_AGAIN_SECONDS

_CLOSE_SECONDS = 1.0

_log = logging.getLogger(__name__)


def event_of(
    graph: KnowledgeGraph, user: Id, item: Id, *, kind: str | None = None, **parts: Unpack[EventParts]
) -> Event:
    """Make an event in the caller's ids; by default, the kind is the domain's only one.

    Raises UnknownItem, and WhyPathError if the domain has several kinds of events and none is given.
    """
    for name in ("time", "weight"):
        value = parts.get(name)
        if value is not None and (not isinstance(value, Real) or isinstance(value, bool)):
            meaning = "seconds since 1970 (UTC)" if name == "time" else "what the event counts"
            raise WhyPathError(f"the {name} of an event is a number, {meaning}, not {value!r}")
    kinds = graph.schema.interactions
    if kind is None:
        if len(kinds) != 1:
            raise WhyPathError(f"name the kind of event; this domain has: {', '.join(kinds) or 'none'}")
        kind = next(iter(kinds))
    item_kind, key, _ = graph.node_of(graph.item_index(id_text(item)))
    return Event.of(user, key, item_kind, kind, **parts)


class Listener(Protocol):
    """The owner of a recorder, which serves the recorded events."""

    def recorded(self, events: Sequence[Event]) -> None:
        """Called when the store has these events."""
        ...

    def queued(self) -> None:
        """Called when events have been queued on this machine."""
        ...

    def silent(self, error: StoreError) -> None:
        """Called when the store did not answer."""
        ...


class Recorder:
    """Writes events of one engine to its store, or queues them.

    `some_put_aside`: whether queued events were refused since this was last set to False: they must be removed from
    the snapshot.
    """

    fork_rank = 2

    def __init__(self, store: GraphStore, listener: Listener, *, queue: bool) -> None:
        """`queue`: whether events are queued while the server is unavailable; without it they are refused then."""
        self._store = store
        self._listener = listener
        self.may_wait = queue
        self.queue = EventQueue(store.url)
        self.some_put_aside = False
        self._said = ""
        self._closed = threading.Event()
        self._carrier: threading.Thread | None = None
        self._carrier_lock = threading.Lock()
        at_fork(self)
        if queue and self._waiting():
            self._carry()

    def _waiting(self) -> int:
        """The number of queued events, 0 if it cannot be read: neither serving nor recording depends on it."""
        try:
            return self.queue.count()
        except StoreError as error:
            self._say(error)
            return 0

    def _say(self, error: StoreError) -> None:
        """Log an error of the queue's files, once."""
        if str(error) != self._said:
            self._said = str(error)
            _log.error("events that wait cannot be delivered: %s", error)

    def record(self, events: Sequence[Event]) -> AppendReport:
        """Write events to the store, after queued ones; durable when it returns. Raises StoreUnavailable."""
        self.deliver()
        return self._append(events)

    def record_or_queue(self, events: Sequence[Event], graph: KnowledgeGraph, *, away: bool) -> AppendReport:
        """The same, or queue the events if the server does not answer; `away`: whether that is known already."""
        if not away:
            try:
                if not self.deliver().waiting:
                    return self._append(events)
            except (StoreUnavailable, StoreBusy) as error:
                self._listener.silent(error)
        report = self.queue.put(events, graph.schema, graph.event_generation)
        self._listener.queued()
        self._carry()
        return report

    def deliver(self, *, patience: float | None = None) -> Delivery:
        """Deliver the queued events; those that the store refuses are logged and kept."""
        try:
            delivery = self.queue.deliver(self._append, patience=patience)
        except QueueStuck as error:
            # The store answers, so newer events need not wait for a file that may never be readable again.
            self._say(error)
            return Delivery()
        self._said = ""
        if delivery.delivered:
            _log.warning("%s: delivered %d events that waited", self._store.url, delivery.delivered)
        for refused in delivery.refused:
            _log.error("%s: refused event %r, which waited: %s", self._store.url, refused.event.id, refused.reason)
            self.some_put_aside = True
        return delivery

    def _append(self, events: Sequence[Event]) -> AppendReport:
        report = self._store.append_events(events)
        pairs = zip(events, report.outcomes, strict=True)
        self._listener.recorded([event for event, outcome in pairs if outcome is not Appended.REFUSED])
        return report

    def _carry(self) -> None:
        """Make sure that queued events are delivered even without a call."""
        with self._carrier_lock:
            if self._carrier is None or not self._carrier.is_alive():
                self._carrier = threading.Thread(target=self._carry_on, name="whypath-delivery", daemon=True)
                self._carrier.start()

    def _carry_on(self) -> None:
        said = ""
        while not self._closed.wait(ASK_AGAIN_SECONDS):
            try:
                # This fails at once without a server; a delivery would try for a while and block other deliveries.
                self._store.state()
                self.deliver(patience=0.0)
                with self._carrier_lock:
                    if not self._waiting() or self._said:
                        self._carrier = None
                        return
            except (StoreUnavailable, StoreBusy):
                continue
            except StoreError as error:
                if str(error) != said:
                    said = str(error)
                    _log.warning("events continue to wait: %s", error)

    def waiting_since(self, number: int) -> tuple[list[Event], int]:
        """Events that were queued after a number, in order, and the number of the last one."""
        try:
            return self.queue.since(number)
        except StoreError as error:
            self._say(error)
            return [], number

    def forget(self, user: str) -> DeletionReport:
        """Remove a user from the store and from the queue."""
        if has_halves(user):
            return self._store.delete_user(user)  # no user has such an id, and no queued event
        with self.queue.held():
            report = self._store.delete_user(user)
            waited = self.queue.forget(user)
            remaining = report.remaining + self.queue.count_of(user)
            damaged = self.queue.damaged_with(user)
        # The queued events are in the overlay, and must be removed from it, too.
        self.some_put_aside |= waited > 0
        return replace(
            report,
            found=report.found or waited > 0,
            events=report.events + waited,
            waiting=waited,
            remaining=remaining,
            unreached=(*report.unreached, *map(str, damaged)),
        )

    def before_fork(self) -> None:
        """See `ForkAware`."""

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`: the carrier delivers in the parent; in the child it starts with the next event."""
        if in_child:
            self._carrier, self._carrier_lock, self._closed = None, threading.Lock(), threading.Event()

    def close(self) -> None:
        """Close the queue's files; its events continue to wait."""
        self._closed.set()
        carrier = self._carrier
        if carrier is not None:
            # It may be waiting for the server; there is no need to wait for it, as its events are safe.
            carrier.join(timeout=_CLOSE_SECONDS)
        self.queue.close()
