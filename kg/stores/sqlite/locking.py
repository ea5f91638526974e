"""Locks between processes, held by open files, so that the system lets go of them when a process dies however it
dies.
"""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

_POLL_SECONDS = 0.002
"""Between attempts at a lock. SQLite itself waits up to 100 ms between attempts, so that a loader that commits batch
after batch would keep appending processes out for seconds."""


class FileLock:
    """An exclusive lock between processes and threads: each lock object stands for one holder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self, timeout: float = 0.0) -> bool:
        """Take the lock, trying for so many seconds; whether it was taken."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        until = time.monotonic() + timeout
        while not _try_lock(descriptor):
            if time.monotonic() >= until:
                os.close(descriptor)
                return False
            # Uneven waits, so that several waiting processes do not try in step.
            time.sleep(_POLL_SECONDS * (0.5 + random.random()))
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Let go of the lock; nothing happens if it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def is_held(self) -> bool:
        """Whether anyone, this object included, holds the lock now."""
        if self._descriptor is not None:
            return True
        if self.acquire():
            self.release()
            return False
        return True


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
