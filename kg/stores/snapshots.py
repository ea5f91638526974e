"""`Snapshots`: keep a store's snapshot in memory and on disk, and bring it up to date when the store has moved.

The same for every store: the snapshot of the last complete generation, with an overlay of the events appended since. It
is the newest cached one; or the last one of an earlier generation with the changes since, where the store knows them;
or a new one read from the store.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

from kg.forking import ForkAware, at_fork
from kg.graph import FactChanges, KnowledgeGraph
from kg.rows import Event
from kg.stores.cache import SnapshotCache
from kg.stores.changes import KEPT_GENERATIONS
from kg.stores.errors import StoreBusy, StoreError, StoreLoading

ATTEMPTS = 20
"""Maximum number of attempts at a read that loads and deletions may overtake."""

_OVERLAID_EVENTS = 10_000
_OVERLAID_SHARE = 0.05
"""A cached snapshot is written again when its overlay has more events than this, and than this share of its events."""


_FOLLOWED_ROWS = 1_000
_FOLLOWED_AT_OPENING = 100
_FOLLOWED = KEPT_GENERATIONS // 2
"""A snapshot is cached when more rows than this have changed at once, or when the cached one is this many generations
behind: at the opening of a store, and later. Well before the store's notes end.
"""


class Moved(Exception):
    """A load or a deletion came between two transactions that belong together; they are repeated."""


class SnapshotSource(Protocol):
    """The operations of a store that `Snapshots` needs."""

    def complete(self) -> tuple[int, int]:
        """Generation of the last complete content, and its event generation. Raises StoreEmpty, and StoreLoading while
        there is none."""
        ...

    def read_complete(self) -> KnowledgeGraph:
        """Read the last complete content as a whole. Raises Moved when a writer came in between, and StoreLoading
        during a load."""
        ...

    def events_since(self, event_generation: int) -> tuple[Sequence[Event], int]:
        """See `GraphStore.events_since`."""
        ...

    def facts_since(self, generation: int) -> FactChanges | None:
        """See `GraphStore.facts_since`."""
        ...


def overtaken(place: str) -> StoreBusy:
    """The error after too many attempts."""
    return StoreBusy(f"{place}: loads and deletions kept coming in between; try again")


class Snapshots(ForkAware):
    """The snapshots of one store; safe to use from many threads."""

    fork_rank = 3

    def __init__(self, source: SnapshotSource, cache: SnapshotCache, place: str) -> None:
        """`place` names the store in messages."""
        self.cache = cache
        self._source = source
        self._place = place
        self._latest: KnowledgeGraph | None = None
        self._lock = threading.Lock()
        at_fork(self)

    def current(self) -> KnowledgeGraph:
        """See `GraphStore.snapshot`."""
        with self._lock:
            for _ in range(ATTEMPTS):
                try:
                    graph = self._now()
                except Moved:
                    continue
                self._latest = graph
                return graph
        raise overtaken(self._place)

    def keep_before_load(self, generation: int, *, interrupted: bool) -> None:
        """Make sure that the generation is cached: during a load it is the only form of the last complete one.

        If it was lost while a load was interrupted, only running that load again restores the store.
        """
        if generation and not (interrupted and self.cache.newest(generation) is None):
            self.current()
            self._keep_followed()

    def _keep_followed(self) -> None:
        """Make sure that the last complete generation is cached, unless that requires reading the store."""
        with self._lock, suppress(Moved, StoreError):
            generation = self._source.complete()[0]
            if generation not in self.cache.generations() and (graph := self._followed(generation)) is not None:
                self._keep(graph)

    @contextmanager
    def forgetting(self) -> Iterator[None]:
        """Keep other threads from taking a snapshot while a user is deleted, and release the one in memory."""
        # A deletion is made in the cached snapshot of the generation before it, and in no other.
        self._keep_followed()
        with self._lock:
            self._latest = None
            yield

    def close(self) -> None:
        """Release the snapshot in memory."""
        self._latest = None

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`."""
        if in_child:
            # A thread of the parent may hold it, as no fork waits for a read; what it guards is replaced in one step.
            self._lock = threading.Lock()

    def _now(self) -> KnowledgeGraph:
        generation, event_generation = self._source.complete()
        graph = self._latest
        if graph is None or graph.generation != generation:
            cached = self.cache.newest(generation)
            graph = cached or self._followed(generation)
            if graph is None or cached is not None:
                # Users deleted elsewhere may still be in them.
                self.cache.remove_before(generation)
            graph = graph or self._read(generation)
        if graph.event_generation >= event_generation:
            return graph
        events, reached = self._source.events_since(graph.event_generation)
        if self._source.complete()[0] != generation:
            # A deletion between the two reads would leave its user in the base of the overlay.
            raise Moved
        graph = graph.overlay(events, event_generation=reached)
        if len(events) > max(_OVERLAID_EVENTS, _OVERLAID_SHARE * graph.n_events):
            self._keep(graph)
        return graph

    def _followed(self, generation: int) -> KnowledgeGraph | None:
        """The last snapshot, in memory or else cached, with the changes since; None where these are unknown.

        No user has been deleted since, else the changes would be unknown.
        """
        is_opening = self._latest is None
        cached = self.cache.latest() if is_opening else None
        before = self._latest if cached is None else cached[0]
        changes = self._source.facts_since(before.generation) if before is not None else None
        if before is None or changes is None:
            return None
        # Events on new items may have arrived before their items.
        events, reached = self._source.events_since(min(before.event_generation, changes.events_after))
        if changes.generation != generation or self._source.complete()[0] != generation:
            raise Moved
        graph = before.with_changes(changes).overlay(events, event_generation=reached)
        behind = generation - max(self.cache.generations(), default=0)
        most = _FOLLOWED_AT_OPENING if is_opening else _FOLLOWED
        if len(changes) > _FOLLOWED_ROWS or behind > most:
            self._keep(graph)
        return graph

    def _read(self, generation: int) -> KnowledgeGraph:
        try:
            graph = self._source.read_complete()
        except StoreLoading:
            # The snapshot may have been written, or the load finished, since the generation was asked for.
            if self._source.complete()[0] != generation or generation in self.cache.generations():
                raise Moved from None
            raise
        self._keep(graph)
        # Mapped from the files it was written to, so that processes share its memory.
        return self.cache.newest(graph.generation) or graph

    def _keep(self, graph: KnowledgeGraph) -> None:
        self.cache.write(graph)
        # Also if it could not be kept: the result must not have the users deleted meanwhile.
        generation = self._source.complete()[0]
        if generation != graph.generation:
            # A user may have been deleted while it was written.
            self.cache.remove_before(generation)
            raise Moved
