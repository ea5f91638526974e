"""`Follower`: what a running engine knows of its store's state, also while the store does not answer.

While there are calls a server is watched, and a call asks it only where what is known is too old. When it is away an
answer may take long or never come, so a call's question is asked in a thread of its own and waited for within bounds.
From then on the engine is stale: only now and then a call asks again, and waits a moment at most, until it is answered.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from kg.forking import at_fork
from kg.opening import open_kept, open_store
from kg.stores import GraphStore, KeptStore, StoreBusy, StoreDenied, StoreError, StoreState, StoreUnavailable
from whypath.live.watching import Watch

FRESHNESS_SECONDS = 0.1
"""How old may be, unless an engine is told otherwise, what it knows of a server's state."""

PATIENCE_SECONDS = 5.0
"""To wait for the store's state where it has answered before."""

STALE_PATIENCE_SECONDS = 0.2
"""To wait for it while the store is known not to answer; long enough for any server that is there."""

ASK_AGAIN_SECONDS = 2.0
"""Between two questions while the store does not answer."""

GIVE_UP_SECONDS = 30.0
"""After which another question is asked though one is still open: its connection may have died unnoticed."""

SILENCE = (StoreUnavailable, StoreBusy, StoreDenied)
"""What an engine outlasts, because the next question may be answered."""

_log = logging.getLogger(__name__)


def opened(place: str | Path) -> GraphStore | KeptStore:
    """The store at a path or URL, or where its server is away what this machine keeps of it, which is logged.

    Raises StoreUnavailable where it keeps nothing, and what else `open_store` raises.
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


class Follower:
    """Asks a store for its state, or says since when it has not answered. For one thread at a time."""

    fork_rank = 2

    def __init__(self, store: GraphStore, freshness: float, stale_since: float | None = None) -> None:
        """`freshness`: see `Engine.open`. `stale_since`, seconds since the epoch, where the store is known not to
        answer.
        """
        self._store = store
        self._stale_since = stale_since
        self._opened = time.monotonic()
        self._ask_next = 0.0
        # A store of this machine is asked at every call, which takes microseconds.
        self._is_here = store.url.startswith("file:")
        self._watch = Watch(store.state, 0.0 if self._is_here else freshness)
        self._open: Question | None = None
        at_fork(self)

    @property
    def stale_since(self) -> str | None:
        """When the store was last seen to answer, ISO 8601 in UTC; None while it answers."""
        return None if self._stale_since is None else iso(self._stale_since)

    def state(self, *, insist: bool = False) -> StoreState | None:
        """The store's state, None while it does not answer. With `insist` it is asked now, whatever has been before.

        Raises StoreError where the store does answer, and says that it is not the one that it was.
        """
        silent = self._stale_since is not None
        if not insist:
            if silent and time.monotonic() < self._ask_next:
                return None
            known = None if silent else self._watch.fresh()
            if known is not None:
                return known
        asked = time.monotonic()
        try:
            state = self._ask(STALE_PATIENCE_SECONDS if silent and not insist else PATIENCE_SECONDS)
        except SILENCE as error:
            self.silent(error)
            return None
        if silent:
            _log.warning("%s answers again; following it", self._store.url)
        self._stale_since = None
        self._watch.note(state, asked)
        return state

    def changed(self) -> None:
        """This engine has written to the store: the next call has to ask."""
        self._watch.forget()

    def close(self) -> None:
        """No more questions."""
        self._watch.close()

    def before_fork(self) -> None:
        """See `ForkAware`."""

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`: a question that is open is the parent's."""
        if in_child:
            self._open = None

    def silent(self, error: StoreError) -> None:
        """Note that the store did not answer; the first time is logged."""
        if self._stale_since is None:
            _log.warning("stale from now on, since serving goes on from the last snapshot: %s", error)
            # Seen by a call or by the watch, whichever was last.
            seen = self._watch.last_asked
            self._stale_since = time.time() - (time.monotonic() - (self._opened if seen is None else seen))
        self._ask_next = time.monotonic() + ASK_AGAIN_SECONDS

    def _ask(self, patience: float) -> StoreState:
        if self._is_here:
            return self._store.state()
        until = time.monotonic() + patience
        if self._open is not None and time.monotonic() < self._open.asked + GIVE_UP_SECONDS:
            # Its answer would be older than this call; that there is one says that a new question is worth it.
            self._wait(self._open, patience)
        self._open = question = Question(self._store.state)
        self._wait(question, until - time.monotonic())
        self._open = None
        return question.answer()

    def _wait(self, question: Question, seconds: float) -> None:
        if not question.done.wait(max(seconds, 0.0)):
            raise StoreUnavailable(f"{self._store.url}: the server does not answer in time; is it overloaded?")


class Question:
    """A call in a thread of its own, which nobody has to wait for."""

    def __init__(self, ask: Callable[[], StoreState]) -> None:
        self.asked = time.monotonic()
        self._answer: StoreState | None = None
        self._error: BaseException | None = None
        self.done = threading.Event()
        threading.Thread(target=self._run, args=(ask,), name="whypath-store-state", daemon=True).start()

    def _run(self, ask: Callable[[], StoreState]) -> None:
        try:
            self._answer = ask()
        except BaseException as error:
            self._error = error
        finally:
            self.done.set()

    def answer(self) -> StoreState:
        """What came back or was raised."""
        if self._error is not None:
            raise self._error
        assert self._answer is not None
        return self._answer
