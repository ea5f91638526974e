"""`Snapshots`: what a store serves from, kept in memory and on disk, brought up to date when the store has moved.

The same for every store: the newest cached snapshot of the last complete generation, or one read now, with the events
appended since laid over it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from kg.forking import at_fork
from kg.graph import KnowledgeGraph
from kg.rows import Event
from kg.stores.cache import SnapshotCache
from kg.stores.errors import StoreBusy, StoreLoading

ATTEMPTS = 20
"""Attempts at what loads and deletions may overtake, before giving up."""

_OVERLAID_EVENTS = 10_000
_OVERLAID_SHARE = 0.05
"""A cached snapshot is written anew when more events than this, and than this share of its own, are laid over it."""


class Moved(Exception):
    """A load or a deletion came between two transactions that belong together; they are made again."""


class SnapshotSource(Protocol):
    """What `Snapshots` asks of a store."""

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


def overtaken(place: str) -> StoreBusy:
    """The error after too many attempts."""
    return StoreBusy(f"{place}: loads and deletions kept coming in between; try again")


class Snapshots:
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
        """See to it that the generation is cached: during a load it is the only form of the last complete one.

        If it was lost while a load was interrupted, only running that load again brings the store back.
        """
        if generation and not (interrupted and self.cache.newest(generation) is None):
            self.current()

    @contextmanager
    def forgetting(self) -> Iterator[None]:
        """Keep other threads from taking a snapshot while a user is deleted, and let go of the one in memory."""
        with self._lock:
            self._latest = None
            yield

    def close(self) -> None:
        """Let go of the snapshot in memory."""
        self._latest = None

    def before_fork(self) -> None:
        """See `ForkAware`; reading a snapshot may take minutes, which no fork waits for."""

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`."""
        if in_child:
            # A thread that stayed behind may hold it; what it guards is put in its place in one step.
            self._lock = threading.Lock()

    def _now(self) -> KnowledgeGraph:
        generation, event_generation = self._source.complete()
        graph = self._latest
        if graph is None or graph.generation != generation:
            # Users deleted elsewhere may still be in them.
            self.cache.remove_before(generation)
            graph = self.cache.newest(generation) or self._read(generation)
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
        # Also where it could not be kept: what has been read must be without the users deleted meanwhile.
        generation = self._source.complete()[0]
        if generation != graph.generation:
            # A user may have been deleted while it was written.
            self.cache.remove_before(generation)
            raise Moved
