"""Write the folder of import files as a whole: it has all of them or none.

Files are written into a folder inside, so that the target may be a mount, and moved up at the end. While that folder
exists the target is unfinished, and a later run replaces it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kg.durable import flush
from kg.locking import FileLock
from kg.stores.errors import StoreError, StoreLocked

_PARTIAL = ".whypath-partial"
_LOCK = "lock"
_MOVING = "moving.json"
"""Names of the files that are being moved up; other files in the target are not WhyPath's."""


class ImportDirectory:
    """A target that is being written, in the folder `partial`. Raises StoreError for one that holds something else."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.partial = target / _PARTIAL
        with explained(target):
            target.mkdir(parents=True, exist_ok=True)
            strangers = {path.name for path in target.iterdir()} - {_PARTIAL, *_half_moved(self.partial)}
            if strangers:
                raise StoreError(
                    f"{target} is not empty (it holds {', '.join(sorted(strangers)[:3])}); give a new or an empty"
                    " folder for the import files"
                )
            self.partial.mkdir(exist_ok=True)
            self._lock = FileLock(self.partial / _LOCK)
            if not self._lock.acquire():
                raise StoreLocked(f"{target}: another process is writing import files there; wait until it has ended")
            self._clear()

    def _clear(self) -> None:
        """Remove the files of an interrupted run."""
        for name in _half_moved(self.partial):
            (self.target / name).unlink(missing_ok=True)
        for path in self.partial.iterdir():
            if path.name != _LOCK:
                path.unlink()

    def publish(self) -> None:
        """Move the files up, durably."""
        with explained(self.target):
            names = sorted(path.name for path in self.partial.iterdir() if path.name != _LOCK)
            for name in names:
                flush(self.partial / name)
            moving = self.partial / _MOVING
            moving.write_text(json.dumps(names), encoding="utf-8")
            flush(moving)
            flush(self.partial)
            for name in names:
                (self.partial / name).rename(self.target / name)
            flush(self.target)
            self._leave()
            flush(self.target)

    def abandon(self) -> None:
        """Remove everything; the target is empty again."""
        with explained(self.target):
            self._clear()
        self._leave()

    def _leave(self) -> None:
        self._lock.release()
        shutil.rmtree(self.partial, ignore_errors=True)


def _half_moved(partial: Path) -> list[str]:
    try:
        return json.loads((partial / _MOVING).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return []


@contextmanager
def explained(target: Path) -> Iterator[None]:
    """Raise StoreError for errors of the file system."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{target}: import files cannot be written there ({error.strerror}); give another folder, or make room"
        ) from error
