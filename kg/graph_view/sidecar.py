"""`Sidecar`: WhyPath's files about an external graph on this machine, in a folder next to `domain.yaml`.

It has the last snapshot, the log of recorded events, and a note of the source of the snapshot. These are private data
of users, so only the folder's owner may read it, and it tells version control to ignore it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from kg.durable import OWNER_ONLY, file_written_whole
from kg.locking import FileLock
from kg.stores.cache import SnapshotCache
from kg.stores.errors import StoreBusy, StoreError
from kg.stores.event_log import EventLog
from kg.stores.permissions import close_to_others

_VERSION = 1
_LARGEST = 2**53
_LOCK_SECONDS = 1800.0
"""Seconds to wait for another process that reads the graph."""


@dataclass(frozen=True)
class Kept:
    """The kept snapshot: its generation, the counts and the description at its read, and digests of its content."""

    generation: int
    counts: Mapping[str, int]
    schema: str
    facts: str
    events: str
    dangling: int


class Sidecar:
    """The folder `.whypath/NAME` next to `NAME.yaml`. Safe for many processes."""

    def __init__(self, domain: Path) -> None:
        """Open it, and create it if needed. Raises StoreError."""
        folder = domain.resolve().parent / ".whypath"
        self.directory = folder / domain.stem
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            close_to_others(folder, re.compile(".*", re.DOTALL))
            ignore = folder / ".gitignore"
            if not ignore.exists():
                with file_written_whole(ignore, mode=OWNER_ONLY) as file:
                    file.write(b"*\n")
        except OSError as error:
            raise StoreError(
                f"{self.directory} cannot be made ({error.strerror}); snapshots and recorded events of a graph are kept"
                " beside its description, so put that into a folder that you may write to"
            ) from None
        self.cache = SnapshotCache(self.directory)
        self.events = EventLog(self.directory / "events.sqlite")

    @property
    def quarantine(self) -> Path:
        """The quarantine file of a read that no user has requested."""
        return self.directory / "quarantine.jsonl"

    def kept(self) -> Kept | None:
        """The note of the last read; None before the first, or if another version wrote it."""
        try:
            value = json.loads((self.directory / "kept.json").read_bytes())
            if value.pop("version") != _VERSION:
                return None
            kept = Kept(**value)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None  # the graph is read again instead
        return kept if _is_sound(kept) else None

    def last_generation(self) -> int:
        """The generation of the last read, also if its note is lost: none is given twice, as a process that has
        followed the store would take the next content for what it has.
        """
        kept = self.kept()
        return kept.generation if kept is not None else max(self.cache.generations(), default=0)

    def keep(self, kept: Kept) -> None:
        """Replace the note, durably."""
        with file_written_whole(self.directory / "kept.json", mode=OWNER_ONLY) as file:
            file.write(json.dumps({"version": _VERSION, **asdict(kept)}, sort_keys=True).encode())

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Allow one reader of the graph at a time. Raises StoreBusy."""
        lock = FileLock(self.directory / "lock")
        if not lock.acquire(_LOCK_SECONDS):
            raise StoreBusy(f"{self.directory}: another process has been reading the graph for long; try again")
        try:
            yield
        finally:
            lock.release()

    def close(self) -> None:
        """Close files."""
        self.events.close()


def _is_sound(kept: Kept) -> bool:
    """Whether a note has the right types and possible numbers."""
    counts = kept.counts
    return (
        all(isinstance(text, str) for text in (kept.schema, kept.facts, kept.events))
        and isinstance(counts, dict)
        and all(type(number) is int and 0 <= number <= _LARGEST for number in (kept.generation, kept.dangling))
        and all(type(number) is int for number in counts.values())
    )
