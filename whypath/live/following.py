"""`Follower`: ask a store for its state in a separate thread, so that no request waits for the store's answer.

While there are calls, it asks often enough that the known state is never older than `freshness`, else once a second.
When the store does not answer, it reports since when, and asks at intervals until there is an answer again.
"""

from __future__ import annotations

import logging
import math
import threading
import time
import weakref
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from kg.errors import WhyPathError
from kg.forking import at_fork
from kg.opening import open_kept, open_store
from kg.stores import (
    GraphStore,
    KeptStore,
    StoreBusy,
    StoreDenied,
    StoreError,
    StoreState,
    StoreUnavailable,
)

FRESHNESS_SECONDS = 0.1
"""Default maximum age of the known state of a store, in seconds, while there are calls."""

IDLE_SECONDS = 5.0
"""Time without a call after which the store is asked less often."""

IDLE_INTERVAL_SECONDS = 1.0
"""Time between two questions without calls: the first call after a pause may see a state of this age."""

PATIENCE_SECONDS = 5.0
"""Longest wait for the state of a store that has answered before."""

STALE_PATIENCE_SECONDS = 0.2
"""Longest wait for it while the store is known not to answer; long enough for any running server."""

ASK_AGAIN_SECONDS = 2.0
"""Time between two questions while the store does not answer."""

GIVE_UP_SECONDS = 30.0
"""Time after which a question is asked again, as the connection of the open one may have died unnoticed."""

SILENCE = (StoreUnavailable, StoreBusy, StoreDenied)
"""Errors that a running engine survives, because the next question may be answered."""

_CLOSE_SECONDS = 1.0

_log = logging.getLogger(__name__)


def opened(place: str | Path) -> GraphStore | KeptStore:
    """Open the store at a path or URL, or, if its server is unavailable, its last snapshot on this machine (logged).

    Raises StoreUnavailable if there is no snapshot, and what else `open_store` raises.
    """
    try:
        return open_store(place)
    except StoreUnavailable as error:
        kept = open_kept(place)
        if kept is None:
            raise
        _log.warning("stale, since answers come from the snapshot of %s kept here: %s", iso(kept.since), error)
        return kept


def iso(moment: float) -> str:
    """Seconds since the epoch as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


class Followed(Protocol):
    """The owner of a follower, which uses the store's state."""

    def follow(self, state: StoreState) -> None:
        """Bring the served state up to this one; takes as long as reading and binding. Raises StoreError."""
        ...


class Follower:
    """The thread that follows a store for as long as its owner lives; safe to use from many threads."""

    fork_rank = 2

    def __init__(self, store: GraphStore, owner: Followed, freshness: float, stale_since: float | None = None) -> None:
        """`freshness`: see `Engine.open`; with 0, only calls ask the store. `stale_since`: seconds since the epoch, if
        the store is known not to answer.
        """
        self._store = store
        # The thread must not keep an unused engine alive.
        self._owner = weakref.ref(owner)
        self._freshness = freshness
        self._stale_since = stale_since
        self._problem: WhyPathError | None = None
        self._seen = self._called = self._ask_next = 0.0
        self._closed = False
        self._reset()
        at_fork(self)

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        # Questions are numbered: those asked, answered (even by an error), and followed.
        self._begun = self._answered = self._followed = self._wanted = 0
        self._asked_at = -math.inf

    @property
    def stale_since(self) -> str | None:
        """When the store was last seen to answer, ISO 8601 in UTC; None while it answers."""
        return None if self._stale_since is None else iso(self._stale_since)

    def called(self) -> None:
        """Note a request. Raises the error of a store that answers and reports that it cannot be used.

        With a freshness of 0, the store is asked now, with a bounded wait.
        """
        now = time.monotonic()
        was_idle, self._called = now > self._called + IDLE_SECONDS, now
        if self._freshness > 0:
            self._watch(now, was_idle)
        elif self._stale_since is None:
            self.look(PATIENCE_SECONDS)
        elif now >= self._ask_next:
            self.look(STALE_PATIENCE_SECONDS)
        if self._problem is not None:
            raise self._problem.with_traceback(None)

    def _watch(self, now: float, was_idle: bool) -> None:
        if self._thread is None or not self._thread.is_alive():
            with self._changed:
                self._start()
        elif was_idle and now > self._asked_at + self._freshness:
            self._wake()
        # A question that has been open for so long counts as unanswered.
        if self._stale_since is None and self._answered < self._begun and now > self._asked_at + PATIENCE_SECONDS:
            self.silent(self._too_slow())

    def _wake(self) -> None:
        with self._changed:
            self._wanted = max(self._wanted, self._begun + 1)
            self._changed.notify_all()

    def look(self, patience: float | None = None) -> bool:
        """Ask now, and wait until the answer is served; False if there is no answer within `patience` seconds.

        Raises the error of a store that answers and reports that it cannot be used.
        """
        if patience is None:
            patience = PATIENCE_SECONDS
        with self._changed:
            if self._answered < self._begun and time.monotonic() > self._asked_at + GIVE_UP_SECONDS:
                self._thread = None
                self._answered = self._followed = self._begun
            number = self._begun + 1
            self._wanted = max(self._wanted, number)
            self._start()
            self._changed.notify_all()
            is_answered = self._changed.wait_for(lambda: self._answered >= number or self._closed, patience)
            if is_answered:
                self._changed.wait_for(lambda: self._followed >= number or self._closed)
        if not is_answered:
            self.silent(self._too_slow())
        if self._problem is not None:
            raise self._problem.with_traceback(None)
        return self._stale_since is None

    def silent(self, error: StoreError) -> None:
        """Note that the store did not answer; the first time is logged."""
        if self._stale_since is None:
            _log.warning("stale from now on, since serving continues from the last snapshot: %s", error)
            self._stale_since = time.time() - (time.monotonic() - self._seen if self._seen else 0.0)
        self._ask_next = time.monotonic() + ASK_AGAIN_SECONDS

    def close(self) -> None:
        """Stop asking; an open question is not waited for long, as the server may hang."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=_CLOSE_SECONDS)

    def before_fork(self) -> None:
        """See `ForkAware`."""

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`: the thread remains in the parent; in the child the next call starts one."""
        if in_child:
            self._reset()

    def _too_slow(self) -> StoreUnavailable:
        return StoreUnavailable(f"{self._store.url}: the server does not answer in time; is it overloaded?")

    def _start(self) -> None:
        """With the lock held."""
        if (self._thread is None or not self._thread.is_alive()) and not self._closed:
            self._thread = threading.Thread(
                target=_run, args=(weakref.ref(self),), name="whypath-store-follower", daemon=True
            )
            self._thread.start()

    # In the thread

    def _due(self) -> float | None:
        """The time of the next question (`time.monotonic`), None if only calls ask."""
        if self._freshness <= 0:
            return None
        if self._stale_since is not None:
            return self._ask_next
        # Twice in that time, so that the known state is never older.
        often = self._freshness / 2
        is_idle = time.monotonic() > self._called + IDLE_SECONDS
        return self._asked_at + (max(often, IDLE_INTERVAL_SECONDS) if is_idle else often)

    def wait(self) -> bool:
        """Wait at most a second for a question to be due; returns whether one is. Raises _Over."""
        with self._changed:
            if self._closed or not self._is_current():
                raise _Over
            if self._wanted <= self._begun:
                due = self._due()
                pause = IDLE_INTERVAL_SECONDS if due is None else due - time.monotonic()
                self._changed.wait(min(max(pause, 0.0), IDLE_INTERVAL_SECONDS))
            due = self._due()
            return self._wanted > self._begun or (due is not None and time.monotonic() >= due)

    def ask(self) -> None:
        """Ask once, and follow the answer."""
        with self._changed:
            self._begun += 1
            number, self._asked_at = self._begun, time.monotonic()
        asked = self._asked_at
        state: StoreState | None = None
        problem: WhyPathError | None = None
        try:
            state = self._store.state()
        except SILENCE as error:
            if self._is_current():
                self.silent(error)
        except StoreError as error:
            problem = error
        if state is not None and self._is_current():
            self._heard(asked)
        with self._changed:
            self._answered = max(self._answered, number)
            self._changed.notify_all()
        owner = self._owner()
        try:
            if state is not None and owner is not None:
                owner.follow(state)
        except SILENCE as error:
            if self._is_current():
                self.silent(error)
        except WhyPathError as error:
            problem = error
        except Exception as error:
            _log.exception("the engine cannot follow its store")
            problem = StoreError(f"{self._store.url}: {error}")
        finally:
            if self._is_current():
                self._problem = problem
            with self._changed:
                self._followed = max(self._followed, number)
                self._changed.notify_all()

    def _heard(self, asked: float) -> None:
        if self._stale_since is not None:
            _log.warning("%s answers again; following it", self._store.url)
        self._stale_since, self._seen = None, asked

    def _is_current(self) -> bool:
        # Answers to an abandoned thread no longer count.
        return threading.current_thread() is self._thread


class _Over(Exception):
    """The thread has no more work."""


def _run(reference: weakref.ref[Follower]) -> None:
    while True:
        follower = reference()
        if follower is None:
            return
        try:
            if follower.wait():
                follower.ask()
        except _Over:
            return
        del follower
