"""`EmbeddedStore`: a directory with an SQLite file, the source of truth, and snapshots of it as arrays.

The store is safe to use from many threads (operations of one process take turns, except that a snapshot is read beside
the others) and from many processes, and it survives a kill at any moment.
"""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from kg.durable import OWNER_ONLY, make_private
from kg.graph import FactChanges, KnowledgeGraph
from kg.locking import FileLock
from kg.rows import Event, NodeRow, RowLinks
from kg.schema import DomainSchema, SchemaError
from kg.stores.cache import SnapshotCache
from kg.stores.embedded.appending import append_events, events_since
from kg.stores.embedded.changes import facts_since, note_everything
from kg.stores.embedded.ddl import STORE_FORMAT
from kg.stores.embedded.finishing import misfits
from kg.stores.embedded.forgetting import clean_caches, delete_user
from kg.stores.embedded.loading import EmbeddedLoad
from kg.stores.embedded.reading import SnapshotReader
from kg.stores.embedded.state import (
    Counters,
    Mark,
    current_schema,
    intern,
    names_of,
    read_counters,
    read_mark,
    write_mark,
)
from kg.stores.errors import SchemaMismatch, StoreEmpty, StoreError, StoreLoading, StoreLocked, StoreNotFound
from kg.stores.permissions import close_to_others
from kg.stores.protocol import AppendReport, DeletionReport, LoadMark, StoreState, UpsertReport
from kg.stores.quarantines import QuarantineNote, with_quarantines
from kg.stores.snapshot_traces import with_snapshots
from kg.stores.snapshots import ATTEMPTS, Moved, Snapshots, overtaken
from kg.stores.sqlite import Database
from kg.stores.upserting import load_in_the_way, other_schema, upserted
from kg.visible import has_halves

FILE_NAME = "store.sqlite"

_OURS = re.compile(
    rf"{re.escape(FILE_NAME)}(-journal|-wal|-shm)?|write\.lock|load\.lock|quarantines\.json|snapshots|owner-only|\..*\.partial"
)
"""Names of all files and folders that a store keeps in its directory."""

_CLOSED = "owner-only"
"""A file that marks that others' rights were removed once, so that rights which the owner gives later are kept."""

_LOCK_SECONDS = 1.0
"""Seconds for which a load tries to take the load lock; checking whether it is held takes it for a moment."""


class EmbeddedStore:
    """The embedded store; see `GraphStore` for what its operations promise."""

    def __init__(self, directory: Path, database: Database) -> None:
        """Use `open`."""
        self.directory = directory
        self._database = database
        self._snapshots = Snapshots(self, SnapshotCache(directory / "snapshots"), str(directory))
        self._load_lock_path = directory / "load.lock"
        self._is_closed_to_others = False

    @classmethod
    def open(cls, directory: Path, *, create: bool = False) -> EmbeddedStore:
        """Open the store in a directory, or create one there. Raises StoreNotFound, StoreDamaged, StoreError."""
        directory = Path(directory)
        if directory.exists() and not directory.is_dir():
            raise StoreNotFound(f"{directory} is a file; a store is a directory")
        if create:
            try:
                make_private(directory)
            except OSError as error:
                raise StoreError(f"{directory} cannot be made: {error.strerror}") from None
        elif not (directory / FILE_NAME).exists():
            what = f"{directory} holds no store" if directory.exists() else f"there is no store at {directory}"
            raise StoreNotFound(f"{what}; `whypath load domain.yaml --store {directory}` makes one")
        store = cls(directory, Database(directory / FILE_NAME, STORE_FORMAT, create=create))
        if create:
            store._close_to_others()
        return store

    def _close_to_others(self) -> None:
        """Remove the rights of others in a directory that an earlier version made, once, before it is written."""
        mark = self.directory / _CLOSED
        if self._is_closed_to_others or mark.exists():
            return
        close_to_others(self.directory, _OURS)
        with suppress(OSError):
            os.close(os.open(mark, os.O_WRONLY | os.O_CREAT, OWNER_ONLY))
        # Logged once, also where the directory cannot be written.
        self._is_closed_to_others = True

    @property
    def url(self) -> str:
        """The directory, as an absolute `file:` URL."""
        return self.directory.resolve().as_uri()

    def state(self) -> StoreState:
        """See `GraphStore.state`."""
        with self._database.reading() as connection:
            counters, mark = read_counters(connection), read_mark(connection)
        return self._state(counters, mark)

    def _state(self, counters: Counters, mark: Mark | None) -> StoreState:
        if mark is None:
            return StoreState(counters.generation, counters.event_generation, None)
        loading = LoadMark(mark.since, mark.source_digest, mark.replace, mark.by, self._is_being_loaded())
        return StoreState(counters.generation, counters.event_generation, loading)

    def _is_being_loaded(self) -> bool:
        try:
            return FileLock(self._load_lock_path).is_held()
        except OSError:
            # A user who may only read the store cannot check; the mark shows that a load has begun.
            return True

    def schema(self) -> DomainSchema:
        """See `GraphStore.schema`."""
        with self._database.reading() as connection:
            counters, mark = read_counters(connection), read_mark(connection)
        if counters.schema is None:
            raise self._nothing_complete(mark)
        return self._schema_of(counters.schema)

    def _nothing_complete(self, mark: Mark | None) -> StoreError:
        if mark is None:
            advice = f"`whypath load domain.yaml --store {self.directory}`"
            return StoreEmpty(f"{self.directory} is empty; load a domain: {advice}")
        if self._is_being_loaded():
            state, advice = "is being loaded", "wait until it is complete"
        else:
            state, advice = "was being loaded and was interrupted", "run the load again"
        return StoreLoading(f"{self.directory} {state} ({mark.by}) and has no complete content yet; {advice}")

    def _schema_of(self, text: str) -> DomainSchema:
        try:
            return _read_schema(text)
        except SchemaError as error:
            raise self._database.damaged(f"its domain description cannot be read ({error})") from None

    def begin_load(self, schema: DomainSchema, *, replace: bool, source_digest: str) -> EmbeddedLoad:
        """See `GraphStore.begin_load`."""
        self._close_to_others()
        lock = FileLock(self._load_lock_path)
        if not lock.acquire(_LOCK_SECONDS):
            with self._database.reading() as connection:
                mark = read_mark(connection)
            who = f" ({mark.by}, since {time.ctime(mark.since)})" if mark else ""
            raise StoreLocked(f"{self.directory}: another process is loading into it{who}; wait until it has ended")
        try:
            load, numbers = self._marked(schema, replace, source_digest)
        except BaseException:
            lock.release()
            raise
        return EmbeddedLoad(self._database, schema, numbers, load, lock, replace=replace)

    def _marked(self, schema: DomainSchema, replace: bool, source_digest: str) -> tuple[int, dict[str, int]]:
        """Set the mark; return the number of the load and those of all names of the schema."""
        for _ in range(ATTEMPTS):
            with self._database.reading() as connection:
                generation, interrupted = read_counters(connection).generation, read_mark(connection) is not None
            self._snapshots.keep_before_load(generation, interrupted=interrupted)
            with self._database.writing() as connection:
                counters, before = read_counters(connection), read_mark(connection)
                if counters.generation != generation:
                    continue
                if not replace:
                    self._check_schema(connection, schema, [counters.schema, before.schema if before else None])
                load = counters.last_load + 1
                connection.execute("UPDATE state SET last_load = ?", (load,))
                changed = before is not None and before.changed
                if changed:
                    # If an earlier version ran the interrupted load, its changes may not have been noted.
                    note_everything(connection, generation + 1)
                write_mark(
                    connection, Mark(time.time(), source_digest, replace, _this_process(), schema.to_json(), changed)
                )
                return load, intern(connection, [*schema.nodes, *schema.relation_kinds, *schema.interactions])
        raise overtaken(str(self.directory))

    def _check_schema(self, connection: sqlite3.Connection, schema: DomainSchema, earlier: list[str | None]) -> None:
        problems = {
            text: None for known in earlier if known for text in misfits(connection, self._schema_of(known), schema)
        }
        if problems:
            raise SchemaMismatch(
                f"{self.directory} holds rows that this domain description does not fit: {'; '.join(problems)}."
                " Load with --replace to remove them, or into a new directory"
            )

    def snapshot(self) -> KnowledgeGraph:
        """See `GraphStore.snapshot`."""
        return self._snapshots.current()

    def complete(self) -> tuple[int, int]:
        """See `SnapshotSource.complete`."""
        with self._database.reading() as connection:
            counters, mark = read_counters(connection), read_mark(connection)
            forgotten = connection.execute("SELECT EXISTS (SELECT 1 FROM forgotten)").fetchone()[0]
        if counters.schema is None:
            raise self._nothing_complete(mark)
        if forgotten:
            clean_caches(self._database, self._snapshots.cache)
        return counters.generation, counters.event_generation

    def read_complete(self) -> KnowledgeGraph:
        """See `SnapshotSource.read_complete`."""
        with self._database.reading() as connection:
            counters, mark = read_counters(connection), read_mark(connection)
        if mark is not None:
            raise StoreLoading(
                f"{self.directory}: a load is in progress or was interrupted, and the snapshot from before it is gone"
                f" from {self._snapshots.cache.directory}; finish the load, or run it again"
            )
        if counters.schema is None:
            raise Moved
        with self._database.own_reader() as database:
            return SnapshotReader(database, counters, self._schema_of(counters.schema)).read()

    def append_events(self, events: Sequence[Event]) -> AppendReport:
        """See `GraphStore.append_events`."""
        self._close_to_others()
        for _ in range(ATTEMPTS):
            text = self._current_schema()
            try:
                return append_events(self._database, self._schema_of(text), text, events)
            except Moved:
                continue
        raise overtaken(str(self.directory))

    def _current_schema(self) -> str:
        with self._database.reading() as connection:
            text, mark = current_schema(connection), read_mark(connection)
        if text is None:
            raise self._nothing_complete(mark)
        return text

    def events_since(self, event_generation: int) -> tuple[Sequence[Event], int]:
        """See `GraphStore.events_since`."""
        return events_since(self._database, event_generation)

    def upsert(
        self, schema: DomainSchema, nodes: Sequence[NodeRow], links: Mapping[str, Sequence[RowLinks]]
    ) -> UpsertReport:
        """See `GraphStore.upsert`."""
        self._close_to_others()
        text = schema.to_json()
        with self._database.writing() as connection:
            counters, mark = read_counters(connection), read_mark(connection)
            if counters.schema is None:
                raise self._nothing_complete(mark)
            if mark is not None:
                raise StoreLocked(load_in_the_way(str(self.directory), mark.by, is_alive=self._is_being_loaded()))
            if counters.schema != text:
                raise SchemaMismatch(other_schema(str(self.directory)))
            load = counters.last_load + 1
            connection.execute("UPDATE state SET last_load = ?", (load,))
            write_mark(connection, Mark(time.time(), "", False, _this_process(), text, False))
            numbers = names_of(connection, schema)
            writer = EmbeddedLoad(self._database, schema, numbers, load, None, replace=False, connection=connection)
            return upserted(writer, nodes, links)

    def facts_since(self, generation: int) -> FactChanges | None:
        """See `GraphStore.facts_since`."""
        with self._database.reading() as connection:
            counters, mark = read_counters(connection), read_mark(connection)
            if mark is not None or counters.schema is None:
                return None
            return facts_since(connection, counters, self._schema_of(counters.schema), generation)

    def delete_user(self, user: str) -> DeletionReport:
        """See `GraphStore.delete_user`."""
        if has_halves(user):
            return DeletionReport(user, False, 0, 0, 0, 0)
        self._close_to_others()
        with self._snapshots.forgetting():
            cache = self._snapshots.cache
            report = delete_user(self._database, cache, self._schema_of(self._current_schema()), user)
            # Also if the user no longer exists: an earlier deletion may have been interrupted.
            clean_caches(self._database, cache)
            with self._database.reading() as connection:
                generation = read_counters(connection).generation
            report = with_snapshots(report, cache, generation)
        return with_quarantines(report, QuarantineNote(self.directory).places())

    def remember_quarantine(self, path: Path) -> None:
        """See `GraphStore.remember_quarantine`."""
        try:
            QuarantineNote(self.directory).add(path)
        except OSError as error:
            raise StoreError(f"{self.directory} cannot be written ({error.strerror})") from None

    def close(self) -> None:
        """See `GraphStore.close`."""
        self._snapshots.close()
        self._database.close()


def _this_process() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"


_read_schema = lru_cache(maxsize=8)(DomainSchema.from_json)
