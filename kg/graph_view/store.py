"""`GraphView`: an external graph as a store: read into snapshots, never loaded into.

Recorded events go to a log on this machine, which overlays the snapshot, and under `write: true` also into the graph as
relationships of WhyPath's own type; then it can also take a model's vectors and recommendations. The graph has no
counter of its changes: if counts of its labels and types differ from those of the last read it is read again, and
`read_again` does so in any case.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from kg.checking.progress import Progress
from kg.forking import ForkAware, at_fork
from kg.graph import FactChanges, KnowledgeGraph
from kg.graph_view.changes import counts_of
from kg.graph_view.deleting import Deleted, delete_own
from kg.graph_view.event_ids import EventIds
from kg.graph_view.forgetting import forget
from kg.graph_view.own_events import OwnEvents
from kg.graph_view.own_results import OwnResults, check_names
from kg.graph_view.reading import ReadReport, read_graph
from kg.graph_view.sidecar import Kept, Sidecar
from kg.rows import Event, NodeRow, RowLinks
from kg.schema import DomainSchema, GraphSource
from kg.stores.errors import StoreEmpty, StoreError, StoreNotFound, StoreUnavailable
from kg.stores.fitting import event_misfits, refusals_of
from kg.stores.neo4j.access import access_to
from kg.stores.neo4j.connection import Connection
from kg.stores.protocol import (
    Appended,
    AppendReport,
    DeletionReport,
    StoreState,
)
from kg.stores.quarantines import QuarantineNote, QuarantinePlace, with_quarantines
from kg.stores.results import KindVectors, ResultsReport, UserList
from kg.visible import has_halves


class GraphView(ForkAware):
    """A store over a graph that WhyPath does not own; see `GraphStore` for what its operations promise."""

    fork_rank = 3

    def __init__(self, domain: Path, schema: DomainSchema, graph: GraphSource) -> None:
        """Use `open`."""
        self._domain = domain
        self._schema = schema
        self._graph = graph
        self._schema_text = schema.to_json()
        self._sidecar = Sidecar(domain)
        self._connection: Connection | None = None
        self._lock = threading.RLock()
        self._latest: KnowledgeGraph | None = None
        self._ids: EventIds | None = None
        self._counts: dict[str, int] | None = None
        self._counted = 0.0
        self._closed = False
        at_fork(self)

    @classmethod
    def open(cls, domain: str | Path) -> GraphView:
        """Open the graph that a `domain.yaml` describes; the server is asked when it is first needed.

        Raises SchemaError, StoreNotFound where the description is over files, StoreError.
        """
        path = Path(domain)
        schema = DomainSchema.read(path)
        if schema.graph is None:
            raise StoreNotFound(
                f"{path} describes files and is no store; load it into one:"
                f" `whypath load {path} --store store`, then give `--store store`"
            )
        return cls(path, schema, schema.graph)

    @property
    def url(self) -> str:
        """The absolute path of the description, which `open_store` takes, and which identifies the store."""
        return str(self._domain.resolve())

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`."""
        if in_child:
            # A thread of the parent may have been reading, for which no fork waits; the graph is read again.
            self._lock = threading.RLock()
            self._latest = self._ids = self._counts = None

    # The server

    def _connected(self) -> Connection:
        with self._lock:
            if self._closed:
                raise StoreError(f"{self.url}: the store is closed")
            if self._connection is None:
                graph = self._graph
                access = access_to(graph.uri, database=graph.database, described_in=str(self._domain))
                self._connection = Connection(access)
            return self._connection

    def _current_counts(self) -> dict[str, int]:
        """Counts of the graph, at most `refresh` seconds old."""
        with self._lock:
            connection = self._connected()
            now = time.monotonic()
            if self._counts is None or now - self._counted >= self._graph.refresh:
                self._counts = connection.read(lambda transaction: counts_of(transaction, self._schema))
                self._counted = now
            return self._counts

    def _is_current(self, kept: Kept | None, counts: dict[str, int]) -> bool:
        return kept is not None and kept.schema == self._schema_text and kept.counts == counts

    # Snapshots

    def state(self) -> StoreState:
        """See `GraphStore.state`. Raises StoreUnavailable while the server is away."""
        counts = self._current_counts()
        kept = self._sidecar.kept()
        generation = self._sidecar.last_generation()
        # A graph that has changed since its read has the generation that the next read will give.
        return StoreState(
            generation if self._is_current(kept, counts) else generation + 1, self._sidecar.events.last(), None
        )

    def schema(self) -> DomainSchema:
        """The description that the store was opened with."""
        return self._schema

    def snapshot(self) -> KnowledgeGraph:
        """See `GraphStore.snapshot`. While the server is away it is the last one that was read, if any."""
        with self._lock:
            return self._overlaid(self._base())

    def _base(self) -> KnowledgeGraph:
        """The snapshot without the events of the log."""
        kept = self._sidecar.kept()
        try:
            counts = self._current_counts()
        except StoreUnavailable:
            if kept is None or kept.schema != self._schema_text or (graph := self._cached(kept)) is None:
                raise
            return graph
        if kept is not None and self._is_current(kept, counts) and (graph := self._cached(kept)) is not None:
            return graph
        with self._sidecar.exclusive():
            now = self._sidecar.kept()
            # Another process may have read it while this one waited.
            if now is not None and self._is_current(now, counts) and (graph := self._cached(now)) is not None:
                return graph
            return self._read(counts, self._sidecar.quarantine, None)[0]

    def _cached(self, kept: Kept) -> KnowledgeGraph | None:
        base = self._ids.graph if self._ids is not None else None
        if base is not None and base.generation == kept.generation:
            return base
        cached = self._sidecar.cache.newest(kept.generation)
        if cached is not None:
            self._ids = EventIds(cached)
        return cached

    def _read(
        self, counts: dict[str, int], quarantine: Path | None, progress: Progress | None, *, strict: bool = False
    ) -> tuple[KnowledgeGraph, ReadReport]:
        """Read the graph and keep the snapshot; the sidecar is held exclusively."""
        graph, report = read_graph(self._connected(), self._schema, quarantine, progress)
        if not graph.n_items:
            bad = "".join(f"\n  {row}" for row in report.first_bad[:3])
            notes = "".join(f"\n  {note}" for note in report.notes)
            raise StoreEmpty(f"{self.url}: the graph has no usable item; correct the description{notes}{bad}")
        if strict and report.bad:
            first_bad = "".join(f"\n  {row}" for row in report.first_bad)
            total = sum(report.bad.values())
            raise StoreError(
                f"{self.url}: {total:,} bad values or elements, so nothing was used:{first_bad}\n"
                f"all of them are in {report.quarantine}; correct graph or description, or read without --strict"
            )
        before = self._sidecar.kept()
        content = (self._schema_text, graph.digest, graph.events_digest)
        changed = before is None or (before.schema, before.facts, before.events) != content
        generation = self._sidecar.last_generation() + int(changed)
        graph = graph.at_generation(generation)
        self._sidecar.cache.write(graph)
        try:
            self._sidecar.keep(Kept(generation, counts, *content, report.dangling))
        except OSError as error:
            raise StoreError(f"the snapshot under {self._sidecar.directory} cannot be kept: {error}") from None
        self._sidecar.cache.remove_before(generation)
        # Mapped from the files it was written to, so that processes share its memory.
        graph = self._sidecar.cache.newest(generation) or graph
        self._ids = EventIds(graph)
        return graph, replace(report, generation=generation, changed=changed)

    def read_again(
        self, *, quarantine: Path | None = None, strict: bool = False, progress: Progress | None = None
    ) -> ReadReport:
        """Read the graph whatever its counts; bad elements go to the file `quarantine`, with `strict` they are a
        StoreError. Raises StoreEmpty where no item is usable, and the store's errors.
        """
        with self._lock, self._sidecar.exclusive():
            self._counts = None
            counts = self._current_counts()
            if quarantine is not None:
                self.remember_quarantine(quarantine)
            return self._read(counts, quarantine, progress, strict=strict)[1]

    def _overlaid(self, base: KnowledgeGraph) -> KnowledgeGraph:
        latest = self._latest
        if latest is None or latest.generation != base.generation:
            latest = base
        events, reached = self._sidecar.events.since(latest.event_generation)
        if events or reached != latest.event_generation:
            latest = latest.overlay(events, event_generation=reached)
        self._latest = latest
        return latest

    def facts_since(self, generation: int) -> FactChanges | None:
        """See `GraphStore.facts_since`: no notes exist of changes by the graph's owner."""
        return None

    # Events

    def append_events(self, events: Sequence[Event]) -> AppendReport:
        """See `GraphStore.append_events`. Durable in the log on this machine, under `write: true` in the graph too."""
        with self._lock:
            graph = self.snapshot()
            assert self._ids is not None
            refused, existing = self._looked_up(graph, self._ids, events)
            new = [row for row in range(len(events)) if row not in refused and row not in existing]
            if self._graph.write and new:
                own_events = OwnEvents(self._connected(), self._schema)
                refused |= {new[at]: reason for at, reason in own_events.write([events[row] for row in new]).items()}
                new = [row for row in new if row not in refused]
            logged = self._sidecar.events.append([events[row] for row in new])
        refused |= {new[refusal.row]: refusal.reason for refusal in logged.refused}
        outcomes = [Appended.ALREADY_THERE if row in existing else Appended.REFUSED for row in range(len(events))]
        for row, outcome in zip(new, logged.outcomes, strict=True):
            outcomes[row] = outcome
        return AppendReport(tuple(outcomes), refusals_of(refused), logged.event_generation)

    def _looked_up(
        self, graph: KnowledgeGraph, ids: EventIds, events: Sequence[Event]
    ) -> tuple[dict[int, str], set[int]]:
        """Refused rows with reasons, and rows that exist with the same content."""
        refused = event_misfits(self._schema, events)
        existing: set[int] = set()
        for row, event in enumerate(events):
            if row in refused:
                continue
            if graph.nodes(event.item_kind).keys.find(event.item) < 0:
                refused[row] = f"there is no {event.item_kind} {event.item!r} in the store"
            elif same := ids.says(event):
                existing.add(row)
            elif same is False:
                refused[row] = f"an event with the id {event.id!r} and other content is there already"
        return refused, existing

    def events_since(self, event_generation: int) -> tuple[Sequence[Event], int]:
        """See `GraphStore.events_since`: events of the log."""
        events, reached = self._sidecar.events.since(event_generation)
        # A number that is too high, such as one of a lost log, has nothing after it.
        return tuple(events), min(reached, self._sidecar.events.last())

    def delete_user(self, user: str) -> DeletionReport:
        """Remove WhyPath's data of a user: recorded events, traces in snapshots, under `write: true` its own
        relationships. `left` says what remains in the graph, which WhyPath must not change."""
        if has_halves(user):
            return DeletionReport(user, False, 0, 0, 0, 0)
        with self._lock, self._sidecar.exclusive():
            deleted = Deleted()
            if self._graph.write:
                # First: if the server is away, nothing is removed and the caller can try again.
                connection = self._connected()
                deleted = connection.write(lambda transaction: delete_own(transaction, self._schema, user))
            kept = self._sidecar.kept()
            graph = self._cached(kept) if kept is not None else None
            self._latest = self._ids = None
            kind = self._schema.user_kinds[0]
            report = forget(self._sidecar, kept, graph, user, kind=kind, uri=self._graph.uri, deleted=deleted)
        places = list(QuarantineNote(self._sidecar.directory).places())
        if self._sidecar.quarantine.exists():
            places.append(QuarantinePlace.here(self._sidecar.quarantine))
        return with_quarantines(report, places)

    def remember_quarantine(self, path: Path) -> None:
        """See `GraphStore.remember_quarantine`."""
        try:
            QuarantineNote(self._sidecar.directory).add(path)
        except OSError as error:
            raise StoreError(f"{self._sidecar.directory} cannot be written ({error.strerror})") from None

    # Results

    def check_takes_results(self) -> None:
        """See `TakesResults.check_takes_results`: under `write: true` only."""
        if not self._graph.write:
            raise StoreError(
                f"{self.url} describes an external graph, which WhyPath only reads; write `write: true`"
                " under `graph` there, so that it may write results into the graph, under names of its own (WHYPATH_…,"
                " whypath_…), or write them to a file with --out"
            )
        check_names(self._schema)

    def write_vectors(
        self, vectors: Sequence[KindVectors], *, progress: Callable[[int], None] = lambda _: None
    ) -> ResultsReport:
        """See `TakesResults.write_vectors`; items that are not nodes of the graph are skipped."""
        return self._results().write_vectors(vectors, progress)

    def write_recommendations(
        self,
        lists: Iterable[UserList],
        *,
        bundle: str,
        time: float,
        progress: Callable[[int], None] = lambda _: None,
    ) -> ResultsReport:
        """See `TakesResults.write_recommendations`; users that only the log has are skipped."""
        return self._results().write_recommendations(lists, bundle=bundle, time=time, progress=progress)

    def _results(self) -> OwnResults:
        self.check_takes_results()
        return OwnResults(self._connected(), self._schema)

    # The rest

    def begin_load(self, schema: DomainSchema, *, replace: bool, source_digest: str) -> NoReturn:
        """Refused: the graph is external."""
        raise StoreError(
            f"{self.url} is a view of an external graph, and nothing is loaded into that;"
            f" `whypath load {self.url}` reads it again. Give another store to load files"
        )

    def upsert(
        self, schema: DomainSchema, nodes: Sequence[NodeRow], links: Mapping[str, Sequence[RowLinks]]
    ) -> NoReturn:
        """Refused: the graph is external."""
        raise StoreError(f"{self.url} is a view of an external graph, which only its owner changes")

    def dangling(self) -> int:
        """See `CountsDangling`: relationships with unusable ends at the last read."""
        self.snapshot()
        kept = self._sidecar.kept()
        return kept.dangling if kept is not None else 0

    def close(self) -> None:
        """See `GraphStore.close`."""
        with self._lock:
            self._closed = True
            self._latest = self._ids = None
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            self._sidecar.close()
