"""Locks between processes, held by open files, so that the system releases them when a process dies however it dies.

Own code and not the library filelock: its lock of the operating system is exclusive only (its read-write lock is an
SQLite database), and the files of a queue are held shared.
"""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

from kg.forking import ForkAware, at_fork, not_forking

_POLL_SECONDS = 0.002
"""Between attempts at a lock. SQLite itself waits up to 100 ms between attempts, so that a loader that commits batch
after batch would block appending processes for seconds."""


class FileLock(ForkAware):
    """A lock between processes and threads, exclusive unless it is taken `shared`: each lock object is one holder. A
    process that forks keeps it; the child does not inherit it.
    """

    fork_rank = 9

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None
        self._held = False
        at_fork(self)

    def acquire(self, timeout: float = 0.0, *, shared: bool = False) -> bool:
        """Try to take the lock for so many seconds; returns whether it was taken."""
        # The locked data says what people did, so only the owner may open the file.
        with not_forking():
            self._descriptor = descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        until = time.monotonic() + timeout
        while not try_lock(descriptor, shared=shared):
            if time.monotonic() >= until:
                self.release()
                return False
            # Random waits, so that waiting processes do not try at the same time.
            time.sleep(_POLL_SECONDS * (0.5 + random.random()))
        self._held = True
        return True

    def release(self) -> None:
        """Release the lock; nothing happens if it is not held."""
        self._close(is_ours=True)

    def _close(self, *, is_ours: bool) -> None:
        with not_forking():
            descriptor, self._descriptor, self._held = self._descriptor, None, False
            if descriptor is None:
                return
            if is_ours:
                unlock(descriptor)
            os.close(descriptor)

    def is_held(self) -> bool:
        """Whether anyone, this object included, holds the lock now."""
        if self._held:
            return True
        if self.acquire():
            self.release()
            return False
        return True

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`."""
        if in_child:
            # The parent shares the open file: unlocking it here would unlock it there.
            self._close(is_ours=False)


if sys.platform == "win32":
    import msvcrt

    def try_lock(descriptor: int, *, shared: bool = False) -> bool:
        """Try to lock an open file without waiting; Windows has no shared locks."""
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def unlock(descriptor: int) -> None:
        """Release the lock: closing the file does that."""

else:
    import fcntl

    def try_lock(descriptor: int, *, shared: bool = False) -> bool:
        """Try to lock an open file or directory without waiting."""
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(descriptor: int) -> None:
        """Release the lock of an open file, also where other processes inherited it."""
        fcntl.flock(descriptor, fcntl.LOCK_UN)
