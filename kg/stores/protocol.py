"""`GraphStore`: the operations of every store, and the typed reports that they return.

A store holds one domain and is its source of truth. Callers see no query language: each implementation writes its own
queries, and one contract suite (`whypath.testing.GraphStoreContract`) holds all of them to the same behaviour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from kg.graph import FactChanges, KnowledgeGraph
from kg.paths import FoundPaths
from kg.rows import EdgeRow, Event, NodeRow, RowLinks
from kg.schema import DomainSchema


@dataclass(frozen=True, slots=True)
class LoadMark:
    """A load that has begun and not finished: `since` in seconds since the epoch, `by` names the process.

    `alive` says whether that process still holds the store; if not, the load was interrupted and can be run again.
    """

    since: float
    source_digest: str
    replace: bool
    by: str
    alive: bool


@dataclass(frozen=True, slots=True)
class StoreState:
    """Counters that a running engine compares to notice changes by other processes, one cheap read.

    `generation` moves with every complete load that changed anything and with every deletion of a user: a process that
    read the store before must read it again. It is 0 until the first load is complete. `event_generation` moves with
    every append; the events behind it come from `events_since`. `loading` is None when no load is in progress.
    """

    generation: int
    event_generation: int
    loading: LoadMark | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was not written: its position in the batch, and the reason."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class WriteReport:
    """The result of a batch of a load: numbers of rows that were new, changed stored content, repeated it, or were
    refused.

    `removed` counts what rows no longer give and gave before. `corrected` events, which are in none of the other
    counts, gave an event of the same load other content.
    """

    new: int = 0
    changed: int = 0
    same: int = 0
    refused: tuple[Refusal, ...] = ()
    removed: int = 0
    corrected: int = 0

    def __add__(self, other: WriteReport) -> WriteReport:
        """Sum of both; the refusals keep their positions in their own batches."""
        return WriteReport(
            self.new + other.new,
            self.changed + other.changed,
            self.same + other.same,
            self.refused + other.refused,
            self.removed + other.removed,
            self.corrected + other.corrected,
        )


class Appended(StrEnum):
    """The result for one event."""

    WRITTEN = "written"
    ALREADY_THERE = "already there"
    REFUSED = "refused"
    QUEUED = "queued"
    """Durable on this machine, and delivered when the store's server is back; no store itself returns this."""


@dataclass(frozen=True, slots=True)
class AppendReport:
    """The result for each appended event, in the given order; `refused` has the reasons."""

    outcomes: tuple[Appended, ...]
    refused: tuple[Refusal, ...]
    event_generation: int

    @property
    def written(self) -> int:
        """Events that are new in the store."""
        return self.outcomes.count(Appended.WRITTEN)

    @property
    def already_there(self) -> int:
        """Events that existed with the same content."""
        return self.outcomes.count(Appended.ALREADY_THERE)

    @property
    def queued(self) -> int:
        """Events that wait on this machine for the store's server."""
        return self.outcomes.count(Appended.QUEUED)


@dataclass(frozen=True, slots=True)
class FinishReport:
    """The result of a load: the new state, and what a replacing load removed because the source no longer has it.

    `waiting_events` of the appended ones are kept apart, as their item no longer exists or no longer takes such events:
    they are served again when a load brings it back.
    """

    state: StoreState
    removed_nodes: int = 0
    removed_edges: int = 0
    removed_events: int = 0
    waiting_events: int = 0


@dataclass(frozen=True, slots=True)
class UpsertReport:
    """The results for upserted nodes and their edges, and the new state."""

    nodes: WriteReport
    edges: WriteReport
    state: StoreState


@dataclass(frozen=True, slots=True)
class DeletionReport:
    """What was removed with a user; `remaining` counts the traces that were found afterwards and must be 0.

    `snapshots` counts the cached snapshots that were written again without the user. `left` describes for the user what
    remains where the store does not own the data, empty where it does. `recommendations` are those that were written
    back into the graph; `waiting` of the events had not reached the store yet. `quarantined` are rows removed from
    files with the bad rows of loads, `unreached` are such files that could not be read.
    """

    user: str
    found: bool
    events: int
    edges: int
    snapshots: int
    remaining: int
    left: str = ""
    recommendations: int = 0
    waiting: int = 0
    quarantined: int = 0
    unreached: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.found:
            return f"there is no user {self.user!r}" + (f"\nnote: {self.left}" if self.left else "")
        events = f"{self.events:,} events{f' ({self.waiting:,} that waited)' if self.waiting else ''}"
        counts = [events, f"{self.edges:,} relations"]
        if self.recommendations:
            counts.append(f"{self.recommendations:,} recommendations")
        if self.quarantined:
            counts.append(f"{self.quarantined:,} quarantined rows")
        notes = [self.left] if self.left else []
        notes += [f"rows of the user may be in {place}, which could not be reached" for place in self.unreached]
        lines = [f"removed {self.user!r}: {', '.join(counts)}; {self.remaining:,} left"]
        return "\n".join([*lines, *(f"note: {note}" for note in notes)])


class LoadWriter(Protocol):
    """One load in progress, a context manager. Leaving it without `finish` leaves the mark: the load was interrupted.

    Ingest has checked the rows: they fit the schema, a load has each node once, and ends of edges and events have been
    written by the load or were in the snapshot before it. The writer upserts: across loads a row replaces what was
    there. It refuses only what the store alone knows: an end that was removed since, a key that it cannot hold, an
    event that was recorded under the same id with other content.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...

    def write_nodes(self, rows: Sequence[NodeRow]) -> WriteReport:
        """Write nodes, all or none of the batch if the process dies."""
        ...

    def write_edges(self, relation: str, rows: Sequence[EdgeRow]) -> WriteReport:
        """Write edges of one relation. A repeated one is counted as the same."""
        ...

    def write_links(self, relation: str, rows: Sequence[RowLinks]) -> WriteReport:
        """Write the edges that rows of the head's kind give, and remove those that they gave before and no longer do.

        An edge that `write_edges` has ever named remains. Counts and refusals are of edges; a refusal's `row` is that
        of its row.
        """
        ...

    def write_events(self, rows: Sequence[Event]) -> WriteReport:
        """Write the source's events. A repeated one replaces what the load wrote before (`corrected`); files, which
        cannot be changed, refuse it. One with the content of an appended event is that event, which is unchanged."""
        ...

    def finish(self) -> FinishReport:
        """Complete the load: with `replace` remove what it did not name; move the generation if anything changed;
        remove the mark."""
        ...


class LoadTarget(Protocol):
    """The target of a load: a store, or files that a store is made of later."""

    def begin_load(self, schema: DomainSchema, *, replace: bool, source_digest: str) -> LoadWriter:
        """See `GraphStore.begin_load`."""
        ...

    def remember_quarantine(self, path: Path) -> None:
        """See `GraphStore.remember_quarantine`."""
        ...

    def snapshot(self) -> KnowledgeGraph:
        """The content before the load; raises StoreEmpty and StoreLoading as `GraphStore.snapshot` does."""
        ...


@runtime_checkable
class GraphStore(Protocol):
    """A store of one domain: loads, durable events, snapshots. Safe to use from many threads and processes."""

    @property
    def url(self) -> str:
        """Its place, in the form that `open_store` takes."""
        ...

    def state(self) -> StoreState:
        """Generations and load mark, one cheap read."""
        ...

    def schema(self) -> DomainSchema:
        """Schema of the last complete load; raises StoreEmpty."""
        ...

    def begin_load(self, schema: DomainSchema, *, replace: bool, source_digest: str) -> LoadWriter:
        """Mark the store as loading, durably, and return the writer.

        An interrupted load is taken over. Raises StoreLocked while another process loads, and SchemaMismatch when the
        schema does not fit what is there and `replace` is off.
        """
        ...

    def snapshot(self) -> KnowledgeGraph:
        """The last complete generation with all events appended since; cached by generation, so cheap if nothing moved.

        While a load is in progress it is the generation before it. Raises StoreEmpty, and StoreLoading if there is no
        complete generation yet.
        """
        ...

    def append_events(self, events: Sequence[Event]) -> AppendReport:
        """Write events; durable when it returns. An existing event with the same content changes nothing; refused are
        an id with other content, an unknown item, an unknown kind. Unknown users are added."""
        ...

    def events_since(self, event_generation: int) -> tuple[Sequence[Event], int]:
        """Events appended after an event generation, in order, and the event generation to continue from.

        Without events of loads, which come with a generation, and without those that have been deleted since. Numbers
        are never given twice; after a number that is too high there is nothing.
        """
        ...

    def upsert(
        self, schema: DomainSchema, nodes: Sequence[NodeRow], links: Mapping[str, Sequence[RowLinks]]
    ) -> UpsertReport:
        """Load a few rows in one transaction: nodes, then their edges by relation, as `LoadWriter.write_links`.

        Raises RowsRefused where a row would be refused, StoreLocked while a load is in progress or was interrupted,
        SchemaMismatch where the store's schema is another, StoreEmpty; then nothing is written.
        """
        ...

    def facts_since(self, generation: int) -> FactChanges | None:
        """The nodes and edges that have changed since a generation, as they are now, so that its snapshot can follow.

        None where the store must be read as a whole: too much has changed or too long ago, events of loads or the
        schema have changed, a user was deleted, or a load is in progress.
        """
        ...

    def delete_user(self, user: str) -> DeletionReport:
        """Remove a user, its events, its edges, its traces in cached snapshots and its rows in quarantine files, and
        count what is left (nothing).
        """
        ...

    def remember_quarantine(self, path: Path) -> None:
        """Remember a file for bad rows of a load, durably, before they are written: `delete_user` looks there."""
        ...

    def close(self) -> None:
        """Close files and connections; the store cannot be used afterwards."""
        ...


@runtime_checkable
class FindsPaths(Protocol):
    """A store whose server searches for paths, so that no snapshot is needed; otherwise see `kg.paths.list_paths`."""

    def paths(
        self,
        start: tuple[str, str],
        end: tuple[str, str],
        *,
        max_edges: int = 4,
        limit: int = 10,
        interactions: bool = False,
    ) -> FoundPaths:
        """See `kg.paths.list_paths`: the same paths in the same order."""
        ...


@runtime_checkable
class CountsDangling(Protocol):
    """A store that may hold edges or events that a snapshot leaves out; others refuse to be read with such."""

    def dangling(self) -> int:
        """Edges and events with an end that is missing or of another kind."""
        ...
