"""Keep out of a fork what the child must not inherit: locks of other threads, connections of the parent.

A server that forks workers may do so while one of its threads writes. `at_fork` registers an object that is notified
before the fork, so that it pauses, and afterwards in both processes. `subprocess` does not fork in this sense.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class ForkAware(Protocol):
    """An object with something to do around a fork. Outer objects have a lower `fork_rank` than those that they use,
    and pause first, in the order in which a call would take their locks.
    """

    fork_rank: int

    def before_fork(self) -> None:
        """Pause: called in the forking thread; must return within about a second. By default there is no pause."""

    def after_fork(self, *, in_child: bool) -> None:
        """Continue. In the child no other thread is alive, and locks that they held are never released."""
        ...


_known: weakref.WeakSet[ForkAware] = weakref.WeakSet()
_resting: list[ForkAware] = []
_lock = threading.RLock()


def at_fork(aware: ForkAware) -> None:
    """Notify the object of forks for as long as it exists."""
    with _lock:
        _known.add(aware)


@contextmanager
def not_forking() -> Iterator[None]:
    """Block forks of this process: for steps of some microseconds that a child must not see half done."""
    with _lock:
        yield


def _before() -> None:
    # Held until after the fork, so that no object is registered in between.
    _lock.acquire()
    _resting.extend(sorted(_known, key=lambda aware: aware.fork_rank))
    for aware in _resting:
        aware.before_fork()


def _after(*, in_child: bool) -> None:
    while _resting:
        _resting.pop().after_fork(in_child=in_child)
    _lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before,
        after_in_parent=lambda: _after(in_child=False),
        after_in_child=lambda: _after(in_child=True),
    )
