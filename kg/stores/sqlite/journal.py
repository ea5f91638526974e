"""Choose the journal of an SQLite file, and state why.

With WAL readers and the writer do not block each other, but versions before 3.51.3 (and the backports 3.50.7 and
3.44.6) can corrupt a database when the log is reset while another connection reads. So WAL is used only with a fixed
version; with any other the rollback journal, which costs the same per write. Its price: a reader blocks a commit for as
long as it reads, which is why snapshots are read in short transactions.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from kg.stores.errors import StoreBusy

_FIXED = (3, 51, 3)
_BACKPORTS = ((3, 50, 7), (3, 44, 6))


def wal_is_safe(version: tuple[int, int, int]) -> bool:
    """Whether an SQLite version has the fix of the corruption at a reset of the write-ahead log."""
    return version >= _FIXED or any(version[:2] == fixed[:2] and version >= fixed for fixed in _BACKPORTS)


def journal_mode_reason(version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> str:
    """The journal mode of stores made with this SQLite and the reason, for `whypath doctor`."""
    number = ".".join(map(str, version))
    if wal_is_safe(version):
        return f"write-ahead log: SQLite {number} has the fix of the corruption at a reset of the log"
    return (
        f"rollback journal: SQLite {number} lacks the fix of the corruption at a reset of the write-ahead log"
        " (3.51.3, 3.50.7 or 3.44.6 have it); it is as fast per write, readers and the writer wait for each other"
    )


def set_journal_mode(connection: sqlite3.Connection, place: Path, *, new: bool) -> None:
    """Choose the journal: WAL only for a new store and a fixed version; never WAL under a version without the fix."""
    safe = wal_is_safe(sqlite3.sqlite_version_info)
    if new and safe:
        connection.execute("PRAGMA journal_mode = WAL")
        return
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal" and safe:
        return
    # TRUNCATE rather than DELETE: the same guarantees (with synchronous FULL the truncation is flushed), cheaper than
    # making and removing a file each time. PERSIST would leave deleted users' rows in the journal.
    mode = connection.execute("PRAGMA journal_mode = TRUNCATE").fetchone()[0]
    if mode == "wal":
        raise StoreBusy(
            f"{place} is in use with a write-ahead log, which SQLite {sqlite3.sqlite_version} cannot use safely;"
            " close the other processes, so that it can be turned back into a rollback journal"
        )
