"""`Watch`: asks a store for its state again and again while there are calls, so that no call has to wait for it.

A question to a server takes about as long as making a list. Asked in a thread of its own every few moments, its answer
lies ready, and a call only looks how old it is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from kg.forking import at_fork
from kg.stores import StoreError, StoreState

IDLE_SECONDS = 5.0
"""After so long without a call the watch ends; the next call asks by itself and starts it again."""

_CLOSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Known:
    """A store's state, and the moment before it was asked for (`time.monotonic`)."""

    state: StoreState
    asked: float


class Watch:
    """What is known of a store's state; `fresh` and `note` are for one thread at a time."""

    fork_rank = 2

    def __init__(self, ask: Callable[[], StoreState], seconds: float) -> None:
        """`seconds`: how old a state may be that is still `fresh`; with 0 none ever is, and nothing is watched."""
        self._ask = ask
        self._seconds = seconds
        self._known: Known | None = None
        self._lock = threading.Lock()
        self._not_before = 0.0
        self._called = 0.0
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        at_fork(self)

    @property
    def last_asked(self) -> float | None:
        """The moment (`time.monotonic`) before the last question that was answered, the watch's own included."""
        return None if self._known is None else self._known.asked

    def fresh(self) -> StoreState | None:
        """The state, if it is known of a moment that is recent enough."""
        self._called = now = time.monotonic()
        known = self._known
        if known is None or known.asked < self._not_before or known.asked + self._seconds < now:
            return None
        return known.state

    def note(self, state: StoreState, asked: float) -> None:
        """A caller has asked by itself; from now on the watch does."""
        self._keep(Known(state, asked))
        self._called = time.monotonic()
        if self._seconds > 0 and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._watch, name="whypath-store-watch", daemon=True)
            self._thread.start()

    def forget(self) -> None:
        """The store has changed since: whatever was asked for before this moment is not fresh."""
        self._not_before = time.monotonic()

    def close(self) -> None:
        """End the watch; it is not waited for long, as it may be waiting for the server."""
        self._closed.set()
        thread = self._thread
        if thread is not None:
            thread.join(timeout=_CLOSE_SECONDS)

    def before_fork(self) -> None:
        """See `ForkAware`."""

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`: the thread stays behind; here the next call asks, and starts one."""
        if in_child:
            self._thread, self._lock, self._closed = None, threading.Lock(), threading.Event()

    def _watch(self) -> None:
        # Twice in the time, so that there is always an answer that is fresh.
        while not self._closed.wait(self._seconds / 2):
            asked = time.monotonic()
            if self._called + IDLE_SECONDS < asked:
                return
            try:
                state = self._ask()
            except StoreError:
                # The next call asks by itself, and makes of it what is to be made.
                return
            self._keep(Known(state, asked))

    def _keep(self, known: Known) -> None:
        with self._lock:
            if self._known is None or known.asked > self._known.asked:
                self._known = known
