"""`Neo4jStore`: a database of a Neo4j server, the source of truth, and snapshots of it as arrays on this machine.

While a load is in progress the database holds rows of two generations, so serving continues from the cached snapshot of
the last complete one. The loading process makes sure of its own before it changes the first row, and every process that
has read the store has one; a machine that has none must wait until the load is complete.

Safe to use from many threads and processes on many machines: writers take turns on the store's node (see `state`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeAlias

from neo4j import ManagedTransaction

from kg.folders import cache_folder
from kg.graph import FactChanges, KnowledgeGraph
from kg.paths import FoundPaths
from kg.rows import Event, NodeRow, RowLinks
from kg.schema import DomainSchema
from kg.stores.cache import SnapshotCache
from kg.stores.errors import (
    SchemaMismatch,
    StoreEmpty,
    StoreError,
    StoreLoading,
    StoreLocked,
    StoreNotFound,
)
from kg.stores.kept import KeptStore
from kg.stores.neo4j.access import access_to
from kg.stores.neo4j.answers import damaged
from kg.stores.neo4j.appending import append_events, events_since
from kg.stores.neo4j.changes import facts_since, note_everything
from kg.stores.neo4j.connection import Connection
from kg.stores.neo4j.dangling import count_dangling
from kg.stores.neo4j.finishing import misfits
from kg.stores.neo4j.forgetting import delete_user
from kg.stores.neo4j.layout import ensure_layout
from kg.stores.neo4j.loading import Neo4jLoad
from kg.stores.neo4j.names import RECOMMENDED, Names
from kg.stores.neo4j.paths import find_paths
from kg.stores.neo4j.places import remember, remembered
from kg.stores.neo4j.preparing import prepared
from kg.stores.neo4j.quarantines import add_quarantine, quarantine_places
from kg.stores.neo4j.reading import SnapshotReader
from kg.stores.neo4j.results import ByKey, write_recommendations, write_vectors
from kg.stores.neo4j.state import (
    LEASE_SECONDS,
    Counters,
    Mark,
    read_state,
    schema_of,
    set_state,
    take_turn,
    write_mark,
)
from kg.stores.neo4j.upserting import upsert
from kg.stores.protocol import AppendReport, DeletionReport, LoadMark, StoreState, UpsertReport
from kg.stores.quarantines import QuarantinePlace, with_quarantines
from kg.stores.results import KindVectors, ResultsReport, UserList
from kg.stores.snapshots import ATTEMPTS, Moved, Snapshots, overtaken
from kg.visible import has_halves

_Read: TypeAlias = Callable[
    [Callable[[ManagedTransaction], tuple[Counters, Mark | None]]], tuple[Counters, Mark | None]
]


class Neo4jStore:
    """A store in a Neo4j database; see `GraphStore` for what its operations promise."""

    def __init__(self, connection: Connection, store_id: str) -> None:
        """Use `open`."""
        self._connection = connection
        self._id = store_id
        self._snapshots = Snapshots(self, SnapshotCache(cache_folder() / "stores" / store_id), self.url)

    @classmethod
    def open(cls, url: str, *, create: bool = False) -> Neo4jStore:
        """Open the store in a database, or create one in an empty database.

        Credentials come from the environment or a `.env` file, see `access_to`. Raises BadAddress, StoreUnavailable,
        StoreDenied, StoreNotFound, StoreDamaged.
        """
        connection = Connection(access_to(url))
        try:
            store = cls(connection, prepared(connection, create=create))
        except BaseException:
            connection.close()
            raise
        remember(store.url, store._id)
        return store

    @classmethod
    def open_kept(cls, url: str) -> KeptStore | None:
        """The store that this machine has last opened at a URL, while its server is away; see `kg.stores.open_kept`."""
        access = access_to(url)
        store_id = remembered(access.address.url)
        if store_id is None:
            return None
        store = cls(Connection(access, away=True), store_id)
        kept = store._snapshots.cache.latest()
        if kept is None:
            store.close()
            return None
        return KeptStore(store, *kept)

    @property
    def url(self) -> str:
        """Scheme, host, port and database, without credentials."""
        return self._connection.address.url

    def state(self) -> StoreState:
        """See `GraphStore.state`. Fails at once if the server is away: a caller that polls must not wait for it."""
        counters, mark = self._read_state(self._connection.read_once)
        loading = mark and LoadMark(mark.since, mark.source_digest, mark.replace, mark.by, mark.alive)
        return StoreState(counters.generation, counters.event_generation, loading)

    def _read_state(self, read: _Read | None = None) -> tuple[Counters, Mark | None]:
        try:
            counters, mark = (read or self._connection.read)(read_state)
        except Moved:
            raise StoreNotFound(f"{self.url}: the store has been removed from the database") from None
        if counters.id != self._id:
            # Its generations start again, so they do not apply to the cached snapshots.
            raise StoreNotFound(f"{self.url}: the database holds another store than when it was opened; open it again")
        return counters, mark

    def schema(self) -> DomainSchema:
        """See `GraphStore.schema`."""
        counters, mark = self._read_state()
        if counters.schema is None:
            raise self._nothing_complete(mark)
        return schema_of(counters.schema)

    def _nothing_complete(self, mark: Mark | None) -> StoreError:
        if mark is None:
            return StoreEmpty(f"{self.url} is empty; load a domain: `whypath load domain.yaml --store {self.url}`")
        if mark.alive:
            state, advice = "is being loaded", "wait until it is complete"
        else:
            state, advice = "was being loaded and was interrupted", "run the load again"
        return StoreLoading(f"{self.url} {state} ({mark.by}) and has no complete content yet; {advice}")

    def begin_load(self, schema: DomainSchema, *, replace: bool, source_digest: str) -> Neo4jLoad:
        """See `GraphStore.begin_load`."""
        for _ in range(ATTEMPTS):
            counters, before = self._read_state()
            self._check_free(before)
            self._snapshots.keep_before_load(counters.generation, interrupted=before is not None)
            names = counters.names.extended(schema)
            ensure_layout(self._connection, names)
            try:
                load = self._marked(schema, names, counters.generation, replace, source_digest)
            except Moved:
                continue
            return Neo4jLoad(self._connection, schema, load, replace=replace)
        raise overtaken(self.url)

    def _marked(self, schema: DomainSchema, names: Names, generation: int, replace: bool, source_digest: str) -> int:
        """Set the mark; return the number of the load."""

        def mark(transaction: ManagedTransaction) -> int:
            counters, before = take_turn(transaction)
            self._check_free(before)
            if counters.generation != generation or counters.names.extended(schema) != names:
                raise Moved
            if not replace:
                earlier = [counters.schema, before.schema if before else None]
                problems = {
                    text: None
                    for known in earlier
                    if known
                    for text in misfits(transaction, counters, schema_of(known), schema)
                }
                if problems:
                    raise SchemaMismatch(
                        f"{self.url} holds rows that this domain description does not fit: {'; '.join(problems)}."
                        " Load with --replace to remove them, or into another database"
                    )
            set_state(transaction, last_load=counters.last_load + 1, batch=0, names=names.to_json())
            changed = before is not None and before.changed
            if changed:
                # If an earlier version ran the interrupted load, its changes may not have been noted.
                note_everything(transaction, counters.generation + 1)
            write_mark(
                transaction, source_digest=source_digest, replace=replace, schema=schema.to_json(), changed=changed
            )
            return counters.last_load + 1

        return self._connection.write(mark)

    def _check_free(self, mark: Mark | None) -> None:
        if mark is not None and mark.alive:
            raise StoreLocked(
                f"{self.url}: another process is loading into it ({mark.by}, since {time.ctime(mark.since)}); wait"
                f" until it has ended. One that has died on another machine gives way after {LEASE_SECONDS:.0f} s"
            )

    def snapshot(self) -> KnowledgeGraph:
        """See `GraphStore.snapshot`."""
        return self._snapshots.current()

    def complete(self) -> tuple[int, int]:
        """See `SnapshotSource.complete`."""
        counters, mark = self._read_state()
        if counters.schema is None:
            raise self._nothing_complete(mark)
        return counters.generation, counters.event_generation

    def read_complete(self) -> KnowledgeGraph:
        """See `SnapshotSource.read_complete`."""
        counters, mark = self._read_state()
        if mark is not None:
            raise StoreLoading(
                f"{self.url}: a load is in progress or was interrupted ({mark.by}), and this machine has no snapshot"
                f" from before it under {self._snapshots.cache.directory}; wait until the load is complete, or run it"
                " again"
            )
        if counters.schema is None:
            raise Moved
        return SnapshotReader(self._connection, counters, schema_of(counters.schema)).read()

    def append_events(self, events: Sequence[Event]) -> AppendReport:
        """See `GraphStore.append_events`."""
        for _ in range(ATTEMPTS):
            text = self._current_schema()
            append = partial(append_events, schema=schema_of(text), schema_text=text, events=events, attempted=set())
            try:
                return self._connection.write(append)
            except Moved:
                continue
        raise overtaken(self.url)

    def _current_schema(self) -> str:
        """Schema that events are checked by: the last complete load's, or during a first load that load's."""
        counters, mark = self._read_state()
        text = counters.schema or (mark.schema if mark else None)
        if text is None:
            raise self._nothing_complete(mark)
        return text

    def events_since(self, event_generation: int) -> tuple[Sequence[Event], int]:
        """See `GraphStore.events_since`."""
        with damaged(self.url):
            return self._connection.read(lambda transaction: events_since(transaction, event_generation))

    def upsert(
        self, schema: DomainSchema, nodes: Sequence[NodeRow], links: Mapping[str, Sequence[RowLinks]]
    ) -> UpsertReport:
        """See `GraphStore.upsert`."""
        self.schema()  # there is none in an empty store
        work = partial(upsert, connection=self._connection, schema=schema, nodes=nodes, links=links)
        return self._connection.write(work)

    def facts_since(self, generation: int) -> FactChanges | None:
        """See `GraphStore.facts_since`."""

        def known(transaction: ManagedTransaction) -> FactChanges | None:
            counters, mark = read_state(transaction)
            if mark is not None or counters.schema is None:
                return None
            changed = facts_since(transaction, counters, schema_of(counters.schema), generation)
            now, mark = read_state(transaction)
            # Each query reads what is committed at its moment.
            if (now.generation, now.last_load) != (counters.generation, counters.last_load) or mark is not None:
                raise Moved
            return changed

        for _ in range(ATTEMPTS):
            with suppress(Moved), damaged(self.url):
                return self._connection.read(known)
        return None

    def delete_user(self, user: str) -> DeletionReport:
        """See `GraphStore.delete_user`. Snapshots cached on other machines lose the user when they are next opened."""
        if has_halves(user):
            return DeletionReport(user, False, 0, 0, 0, 0)
        with self._snapshots.forgetting():
            cache = self._snapshots.cache
            report = delete_user(self._connection, cache, schema_of(self._current_schema()), user)
        return with_quarantines(report, self._connection.read(quarantine_places))

    def remember_quarantine(self, path: Path) -> None:
        """See `GraphStore.remember_quarantine`."""
        self._connection.write(lambda transaction: add_quarantine(transaction, QuarantinePlace.here(path)))

    def paths(
        self,
        start: tuple[str, str],
        end: tuple[str, str],
        *,
        max_edges: int = 4,
        limit: int = 10,
        interactions: bool = False,
    ) -> FoundPaths:
        """See `FindsPaths`."""
        schema = self.schema()
        names = self._read_state()[0].names
        return find_paths(
            self._connection,
            schema,
            names,
            (start, end),
            max_edges=max_edges,
            limit=limit,
            interactions=interactions,
        )

    def dangling(self) -> int:
        """See `CountsDangling`."""
        schema = self.schema()
        names = self._read_state()[0].names
        return self._connection.read(lambda transaction: count_dangling(transaction, schema, names))

    def check_takes_results(self) -> None:
        """See `TakesResults.check_takes_results`."""
        self._names_for_results()

    def write_vectors(
        self, vectors: Sequence[KindVectors], *, progress: Callable[[int], None] = lambda _: None
    ) -> ResultsReport:
        """See `TakesResults.write_vectors`."""
        names = self._names_for_results()
        places = {kind_vectors.kind: ByKey(names.labels[kind_vectors.kind]) for kind_vectors in vectors}
        return write_vectors(self._connection, vectors, places, turn=take_turn, progress=progress)

    def write_recommendations(
        self,
        lists: Iterable[UserList],
        *,
        bundle: str,
        time: float,
        progress: Callable[[int], None] = lambda _: None,
    ) -> ResultsReport:
        """See `TakesResults.write_recommendations`."""
        names, schema = self._names_for_results(), self.schema()
        user = ByKey(names.labels[schema.user_kinds[0]])
        items = {kind: ByKey(names.labels[kind]) for kind in schema.item_kinds}
        return write_recommendations(
            self._connection, lists, user, items, bundle=bundle, time=time, turn=take_turn, progress=progress
        )

    def _names_for_results(self) -> Names:
        names = self._read_state()[0].names
        if RECOMMENDED in {*names.relations.values(), *names.interactions.values()}:
            raise StoreError(
                f"{self.url}: relationships of the domain itself are called {RECOMMENDED}; load it again into an empty"
                " database, which gives them another name"
            )
        return names

    def close(self) -> None:
        """See `GraphStore.close`."""
        self._snapshots.close()
        self._connection.close()
