"""`Database`: the connection to an SQLite file, with transactions that wait their turn and errors for readers.

One connection per `Database`, guarded by a lock, so that threads may share it; after a fork the child gets a
connection of its own. Writers of all processes queue at a lock file before `BEGIN IMMEDIATE`, see `locking`.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kg.stores.errors import StoreBusy, StoreDamaged, StoreError, StoreNotFound
from kg.stores.sqlite.file_format import OLDEST_SQLITE, FileFormat, is_blank
from kg.stores.sqlite.journal import set_journal_mode
from kg.stores.sqlite.locking import FileLock

BUSY_SECONDS = 60.0
"""How long to wait for other processes. A batch of a load holds the store for under a second, a slow disk for some."""

_CACHE_KIB = 65_536
"""Page cache: the indexes of a million rows fit in it, so that loading does not read pages again."""

_abandoned: list[sqlite3.Connection] = []
"""Connections inherited over a fork: SQLite forbids using them in the child, and closing them would be using them."""


class Database:
    """An open file of one format. Raises StoreError and its subclasses only, never sqlite3's errors."""

    def __init__(self, path: Path, file_format: FileFormat, *, create: bool = False) -> None:
        """Open the file; with `create` make it if it is not there. Raises StoreNotFound and StoreDamaged."""
        self.path = path
        self._format = file_format
        self._lock = threading.RLock()
        self._turn = FileLock(path.with_name("write.lock"))
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise StoreError(
                f"{file_format.name} needs SQLite {'.'.join(map(str, OLDEST_SQLITE))} or later,"
                f" this Python has {sqlite3.sqlite_version}; use a newer build of Python"
            )
        if not create and not path.exists():
            raise StoreNotFound(f"there is no {path.name} in {path.parent}; {file_format.advice}")
        with self._translated():
            self._connection, self._process = self._connect(), os.getpid()
            self._prepare(create)

    def _prepare(self, create: bool) -> None:
        if is_blank(self._connection):
            if not create:
                self._connection.close()
                raise StoreNotFound(f"{self.path} is empty: making it was interrupted; {self._format.advice}")
            set_journal_mode(self._connection, self.path, new=True)
            with self.writing() as connection:
                # Another process may have made the tables since.
                if is_blank(connection):
                    self._format.create(connection)
        self._format.check(self._connection, str(self.path))
        set_journal_mode(self._connection, self.path, new=False)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        connection.execute("PRAGMA synchronous = FULL")
        # Mapped reads turn a damaged page into a crash of the process, and a truncated file into a signal.
        connection.execute("PRAGMA mmap_size = 0")
        # What is deleted is overwritten, so that a forgotten user is not left in free pages.
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        return connection

    def _current(self) -> sqlite3.Connection:
        if self._process != os.getpid():
            _abandoned.append(self._connection)
            self._connection, self._process = self._connect(), os.getpid()
        return self._connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A short read transaction: what is read inside belongs together. Fetch everything; an open cursor blocks."""
        with self._lock, self._translated():
            connection = self._current()
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A write transaction, durable when the block has ended, undone when it raises."""
        with self._lock, self._translated():
            connection = self._current()
            if not self._turn.acquire(BUSY_SECONDS):
                raise StoreBusy(f"{self.path}: other processes have kept writing for {BUSY_SECONDS:.0f} s; try again")
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
            finally:
                self._turn.release()

    @contextmanager
    def own_reader(self) -> Iterator[Database]:
        """The same file on another connection, for a long read that must not keep other threads waiting."""
        reader = Database(self.path, self._format)
        try:
            yield reader
        finally:
            reader.close()

    def empty_log(self) -> None:
        """Bring everything out of a write-ahead log into the file and empty the log; nothing to do without one."""
        with self._lock, self._translated():
            self._current().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._process == os.getpid():
                self._connection.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            text = str(error)
            if "locked" in text or "busy" in text:
                raise StoreBusy(f"{self.path}: another process holds it ({text}); try again") from error
            raise StoreError(f"{self.path}: {text}; check the disk's free space and the directory's rights") from error
        except sqlite3.ProgrammingError as error:
            raise StoreError(f"{self.path}: {error} (is it closed?)") from error
        except sqlite3.DatabaseError as error:
            raise StoreDamaged(
                f"{self.path} cannot be read as {self._format.name} ({error}); restore a copy, or {self._format.advice}"
            ) from error
