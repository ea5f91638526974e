"""Snapshots kept on disk by generation, so that opening a store costs a mapping of files and not a read of all rows.

While a load is in progress the cached snapshot is the only form of the last complete generation, so `begin_load`
sees to it that there is one.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from kg.durable import remove_partial
from kg.graph import KnowledgeGraph, SnapshotUnreadable

_NAME = re.compile(r"generation-(\d+)-events-(\d+)")


class SnapshotCache:
    """The directory of cached snapshots of one store; safe for many processes, since snapshots appear whole."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def newest(self, generation: int) -> KnowledgeGraph | None:
        """The cached snapshot of a generation with the most events, memory-mapped; None if there is none."""
        # A snapshot may vanish between listing and opening, when another process has written a newer one.
        for path in reversed(self._paths(generation)):
            try:
                return KnowledgeGraph.load(path)
            except (SnapshotUnreadable, FileNotFoundError):
                continue
        return None

    def latest(self) -> tuple[KnowledgeGraph, float] | None:
        """The cached snapshot of the latest generation, and when it was written, in seconds since the epoch."""
        for path in reversed(self._paths()):
            try:
                return KnowledgeGraph.load(path), path.stat().st_mtime
            except (SnapshotUnreadable, FileNotFoundError):
                continue
        return None

    def write(self, graph: KnowledgeGraph) -> None:
        """Keep a snapshot and remove those of earlier generations and with fewer events."""
        path = self.directory / f"generation-{graph.generation}-events-{graph.event_generation}"
        if not path.exists():
            try:
                graph.save(path)
            except OSError:
                # Another process may have put the same snapshot there at the same moment, or a newer one since.
                if not any(_numbers(other) >= _numbers(path) for other in self._paths()):
                    raise
        remove_partial(self.directory)
        for other in self._paths():
            if _numbers(other) < _numbers(path):
                shutil.rmtree(other, ignore_errors=True)

    def generations(self) -> list[int]:
        """Generations that have a cached snapshot, ascending."""
        return sorted({_numbers(path)[0] for path in self._paths()})

    def remove_before(self, generation: int) -> int:
        """Remove the snapshots of earlier generations, whole or partial, and say how many."""
        old = [path for path in self._paths() if _numbers(path)[0] < generation]
        for path in old:
            shutil.rmtree(path)
        return len(old)

    def _paths(self, generation: int | None = None) -> list[Path]:
        if not self.directory.exists():
            return []
        found = [path for path in self.directory.iterdir() if _NAME.fullmatch(path.name)]
        return sorted((path for path in found if generation is None or _numbers(path)[0] == generation), key=_numbers)


def _numbers(path: Path) -> tuple[int, int]:
    match = _NAME.fullmatch(path.name)
    return (int(match[1]), int(match[2])) if match else (-1, -1)
