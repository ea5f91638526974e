"""Cache snapshots on disk by generation, so that opening a store maps files instead of reading all rows.

All of it can be made again from the store, so nothing here raises: damaged snapshots are dropped, and what cannot be
read or written is skipped, each with a warning. While a load is in progress the cached snapshot is the only form of the
last complete generation, so `begin_load` makes sure that there is one.
"""

from __future__ import annotations

import logging
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from kg.durable import OWNER_ONLY, make_private, remove_partial, remove_tree, unfinished
from kg.graph import KnowledgeGraph, SnapshotUnreadable

_NAME = re.compile(r"generation-(\d+)-events-(\d+)")
_PARTIAL = re.compile(rf"\.{_NAME.pattern}\..+")
_PATIENCE_SECONDS = 1.0
"""Time for other processes to finish or remove a snapshot."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Snapshots of earlier generations that remain: `kept` cannot be removed, `written` are being written."""

    kept: tuple[Path, ...] = ()
    written: tuple[Path, ...] = ()


class SnapshotCache:
    """The directory of cached snapshots of one store, readable by its owner alone; safe for many processes and threads,
    since a snapshot appears and disappears as a whole. No method raises OSError.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._passed_over: set[Path] = set()
        self._has_warned = False

    def newest(self, generation: int) -> KnowledgeGraph | None:
        """The cached snapshot of a generation with the most events, memory-mapped; None if there is none."""
        for path in reversed(self._paths(generation)):
            graph = self._loaded(path)
            if graph is not None:
                return graph
        return None

    def latest(self) -> tuple[KnowledgeGraph, float] | None:
        """The cached snapshot of the latest generation, and when it was written, in seconds since the epoch."""
        for path in reversed(self._paths()):
            try:
                written = path.stat().st_mtime
            except OSError:
                continue
            graph = self._loaded(path)
            if graph is not None:
                return graph, written
        return None

    def write(self, graph: KnowledgeGraph) -> bool:
        """Keep a snapshot and remove those of earlier generations or with fewer events; return whether it is kept."""
        path = self.directory / f"generation-{graph.generation}-events-{graph.event_generation}"
        if path not in self._paths():
            try:
                make_private(self.directory)
                graph.save(path, mode=OWNER_ONLY)
                self._passed_over.discard(path)
            except (OSError, SnapshotUnreadable) as error:
                # Another process may have written the same snapshot at the same moment, or a newer one since.
                if not any(_numbers(other) >= _numbers(path) for other in self._paths()):
                    self._warn(f"the snapshot cannot be kept ({error}), and is read from the store again the next time")
                    return False
        remove_partial(self.directory)
        for other in self._paths():
            if _numbers(other) < _numbers(path):
                self._drop(other)
        return True

    def generations(self) -> list[int]:
        """Generations that have a cached snapshot, ascending."""
        return sorted({_numbers(path)[0] for path in self._paths()})

    def remove_before(self, generation: int) -> None:
        """Remove the snapshots of earlier generations, and unfinished ones of processes that have ended."""
        remove_partial(self.directory)
        for path in self._paths():
            if _numbers(path)[0] < generation:
                self._drop(path)

    def clear_before(self, generation: int) -> Leftovers:
        """The same, but wait briefly for other processes that use them; return what remains."""
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            self._passed_over.clear()
            self.remove_before(generation)
            kept = [path for path in self._listed(_NAME) if _numbers(path)[0] < generation]
            partial = [path for path in self._listed(_PARTIAL) if _numbers(path)[0] < generation]
            if not (kept or partial) or time.monotonic() >= until:
                written = set(unfinished(self.directory))
                kept += [path for path in partial if path not in written and os.path.lexists(path)]
                return Leftovers(tuple(kept), tuple(path for path in partial if path in written))
            time.sleep(_PATIENCE_SECONDS / 20)

    def _loaded(self, path: Path) -> KnowledgeGraph | None:
        if os.path.lexists(path) and not os.access(path, os.R_OK | os.X_OK):
            self._passed_over.add(path)
            self._warn(f"{path.name} has another owner and cannot be read; the store is read instead")
            return None
        fault: str | None = None
        # Twice: between two files it may have been replaced by the same snapshot, written again.
        for _ in range(2):
            try:
                graph = KnowledgeGraph.load(path)
            except SnapshotUnreadable as error:
                fault = str(error)
                continue
            if (graph.generation, graph.event_generation) == _numbers(path):
                return graph
            fault = f"{path} holds the snapshot of generation {graph.generation}, events {graph.event_generation}"
        # A snapshot that no longer exists is unreadable too: another process has written a newer one.
        if path in self._listed(_NAME):
            _log.warning("%s. It is dropped, and the store is read instead", fault)
            self._drop(path)
        return None

    def _drop(self, path: Path) -> None:
        try:
            remove_tree(path)
        except OSError as error:
            # Ignored: a process with the rights will remove it.
            self._passed_over.add(path)
            self._warn(f"{path.name} cannot be removed ({error})")

    def _warn(self, what: str) -> None:
        """Warn once: a process that cannot write here cannot the next time either."""
        if not self._has_warned:
            self._has_warned = True
            _log.warning("%s: %s", self.directory, what)

    def _paths(self, generation: int | None = None) -> list[Path]:
        paths = [path for path in self._listed(_NAME) if path not in self._passed_over]
        return sorted((path for path in paths if generation is None or _numbers(path)[0] == generation), key=_numbers)

    def _listed(self, form: re.Pattern[str]) -> list[Path]:
        try:
            return [path for path in self.directory.iterdir() if form.fullmatch(path.name)]
        except FileNotFoundError:
            return []
        except OSError as error:
            self._warn(f"snapshots that may be kept there cannot be read ({error.strerror}); the store is read instead")
            return []


def _numbers(path: Path) -> tuple[int, int]:
    """Generation and event generation of a snapshot, also of an unfinished one."""
    match = _NAME.search(path.name)
    return (int(match[1]), int(match[2])) if match else (-1, -1)
