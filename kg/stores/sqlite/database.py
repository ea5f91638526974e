"""`Database`: the connection to an SQLite file, with transactions that wait their turn and errors for users.

One connection per `Database`, guarded by a lock, so that threads may share it. It is closed before a fork, and parent
and child open it again when they need it: SQLite keeps the locks of a process in its memory, and a child that inherited
them could neither write nor read safely. Writers of all processes queue at a lock file before `BEGIN IMMEDIATE`, see
`kg.locking`.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kg.durable import OWNER_ONLY
from kg.forking import at_fork
from kg.locking import FileLock
from kg.stores.errors import StoreBusy, StoreDamaged, StoreError, StoreNotFound
from kg.stores.sqlite.content import DamagedContent
from kg.stores.sqlite.file_format import OLDEST_SQLITE, FileFormat, is_blank
from kg.stores.sqlite.journal import set_journal_mode

BUSY_SECONDS = 60.0
"""Seconds to wait for other processes. A batch of a load holds the store for under one, on a slow disk for some."""

_CACHE_KIB = 65_536
"""Page cache: the indexes of a million rows fit in it, so that loading does not read pages again."""

_FORK_SECONDS = 5.0
"""Seconds for which a fork waits for a transaction of another thread, which takes milliseconds."""

_abandoned: list[sqlite3.Connection] = []
"""Inherited connections that could not be closed before a fork: SQLite forbids using them in the child, and closing
them would be using them.
"""


_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DISK = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOMEM,
}
_CUT_OFF = {sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS}
"""Meaning of SQLite's error codes: another process is writing; the disk or its rights; the file ends too early."""


class Database:
    """An open file of one format. Raises StoreError and its subclasses only, never sqlite3's errors."""

    fork_rank = 5

    def __init__(self, path: Path, file_format: FileFormat, *, create: bool = False) -> None:
        """Open the file; with `create`, create it for its owner alone if it does not exist.

        Raises StoreNotFound and StoreDamaged.
        """
        self.path = path
        self._format = file_format
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._is_closed = False
        self._rests = False
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise StoreError(
                f"{file_format.name} needs SQLite {'.'.join(map(str, OLDEST_SQLITE))} or later,"
                f" this Python has {sqlite3.sqlite_version}; use a newer build of Python"
            )
        try:
            self._open(create)
        except BaseException:
            self.close()
            raise
        at_fork(self)

    def _open(self, create: bool) -> None:
        path = self.path
        with self._translated():
            if create:
                with suppress(FileExistsError):
                    # Journals take the permissions of the file.
                    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, OWNER_ONLY))
            if not path.exists():
                raise StoreNotFound(f"there is no {path.name} in {path.parent}; {self._format.advice}")
            if not path.is_file():
                raise StoreDamaged(f"{path} is no file; {self._format.advice}")
            self._prepare(create)

    def _prepare(self, create: bool) -> None:
        connection = self._current()
        if is_blank(connection):
            if not create:
                raise StoreNotFound(f"{self.path} is empty: making it was interrupted; {self._format.advice}")
            set_journal_mode(connection, self.path, new=True)
            with self.writing() as connection:
                # Another process may have created the tables since.
                if is_blank(connection):
                    self._format.create(connection)
        self._format.check(connection, str(self.path))
        set_journal_mode(connection, self.path, new=False)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            # Not to be created implicitly, with the default permissions of the process.
            f"{self.path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        connection.execute("PRAGMA synchronous = FULL")
        # Mapped reads turn a damaged page into a crash of the process, and a truncated file into a signal.
        connection.execute("PRAGMA mmap_size = 0")
        # Deleted content is overwritten, so that no trace of a deleted user remains in free pages.
        connection.execute("PRAGMA secure_delete = ON")
        # A damaged schema or row must not make SQLite run its content.
        connection.execute("PRAGMA trusted_schema = OFF")
        # A page is checked before its cells are followed.
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        return connection

    def _current(self) -> sqlite3.Connection:
        if self._is_closed:
            raise StoreError(f"{self.path}: this store has been closed; open it again")
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A short read transaction, which sees one state. Fetch everything; an open cursor blocks."""
        with self._lock, self._translated():
            connection = self._current()
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                # Some errors end a transaction.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A write transaction, durable when the block has ended, undone when it raises."""
        with self._translated():
            # Awaited before this object's own lock, so that threads can read meanwhile, and a fork need not wait.
            turn = FileLock(self.path.with_name("write.lock"))
            if not turn.acquire(BUSY_SECONDS):
                raise StoreBusy(f"{self.path}: other processes have kept writing for {BUSY_SECONDS:.0f} s; try again")
            try:
                with self._lock:
                    connection = self._current()
                    connection.execute("BEGIN IMMEDIATE")
                    try:
                        yield connection
                        connection.execute("COMMIT")
                    finally:
                        if connection.in_transaction:
                            connection.execute("ROLLBACK")
            finally:
                turn.release()

    @contextmanager
    def own_reader(self) -> Iterator[Database]:
        """The same file on another connection, for a long read that must not keep other threads waiting."""
        reader = Database(self.path, self._format)
        try:
            yield reader
        finally:
            reader.close()

    def empty_log(self) -> None:
        """Move the content of a write-ahead log into the file and empty the log; without a log, do nothing."""
        with self._lock, self._translated():
            self._current().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._is_closed = True
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def before_fork(self) -> None:
        """See `ForkAware`: let transactions end, and close the connection."""
        self._rests = self._lock.acquire(timeout=_FORK_SECONDS)
        connection = self._connection
        if self._rests and connection is not None and not connection.in_transaction:
            connection.close()
            self._connection = None

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`."""
        if in_child:
            self._lock = threading.RLock()
            if self._connection is not None:
                _abandoned.append(self._connection)
                self._connection = None
        elif self._rests:
            self._lock.release()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._explained(error) from error
        except UnicodeDecodeError as error:
            # SQLite's own message repeats content of the file.
            raise self.damaged("the error message is not valid UTF-8") from error
        except DamagedContent as error:
            raise self.damaged(str(error)) from error
        except OSError as error:
            raise StoreError(
                f"{error.filename or self.path}: {error.strerror}; writing needs rights and room there"
            ) from error

    def damaged(self, what: str) -> StoreDamaged:
        """The error that says what in this file cannot be right, and what to do."""
        return StoreDamaged(f"{self.path} is damaged: {what}; restore a copy, or {self._format.advice}")

    def _explained(self, error: sqlite3.Error) -> StoreError:
        # Errors that Python's module raises itself have no code; they say that a value cannot be decoded.
        code = getattr(error, "sqlite_errorcode", None)
        kind = None if code is None else code & 0xFF
        if kind in _BUSY:
            return StoreBusy(f"{self.path}: another process holds it ({error}); try again")
        if kind in _DISK and code not in _CUT_OFF:
            return StoreError(f"{self.path}: {error}; check the disk's free space and the directory's rights")
        if isinstance(error, sqlite3.ProgrammingError):
            return StoreError(f"{self.path}: {error}")
        return StoreDamaged(
            f"{self.path} cannot be read as {self._format.name} ({error}); restore a copy, or {self._format.advice}"
        )
