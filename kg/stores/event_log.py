"""`EventLog`: keep events in one SQLite file on this machine, when their store cannot or should not take them.

An external graph is not written to, and a server may be away: such events are kept here, durably.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from kg.durable import make_private
from kg.rows import Event
from kg.stores.errors import StoreError
from kg.stores.event_rows import COLUMNS, event_of, numbered, values_of
from kg.stores.permissions import close_to_others
from kg.stores.protocol import Appended, AppendReport, Refusal
from kg.stores.sqlite import DamagedContent, Database, FileFormat, check_order, checked, integer

EVENT_LOG_FORMAT = FileFormat(
    name="an event log",
    application_id=0x57685065,  # "WhPe"
    version=1,
    statements=(
        """CREATE TABLE event (
            number INTEGER PRIMARY KEY AUTOINCREMENT, -- order of arrival; AUTOINCREMENT never gives one twice
            id TEXT NOT NULL UNIQUE,
            user TEXT NOT NULL,
            item TEXT NOT NULL,
            item_kind TEXT NOT NULL,
            kind TEXT NOT NULL,
            time REAL,
            weight REAL
        ) STRICT""",
        "CREATE INDEX event_by_user ON event (user)",
    ),
    advice="move the file away and a new one is made",
)

_ALL = re.compile(".*", re.DOTALL)
"""The folder of a log holds only files of the log."""


class EventLog:
    """The events of one file, each id once, in order of arrival; durable when `append` returns.

    Threads and processes may share the file. Events are not checked against a schema; the caller does that.
    """

    def __init__(self, path: Path) -> None:
        """Open the file; create it and its folder if needed. Raises StoreError and its subclasses."""
        try:
            # Events are private: only the owner may read them.
            make_private(path.parent)
        except OSError as error:
            raise StoreError(f"{path.parent} cannot be made: {error.strerror}") from None
        close_to_others(path.parent, _ALL)
        self._database = Database(path, EVENT_LOG_FORMAT, create=True)

    def append(self, events: Sequence[Event]) -> AppendReport:
        """Write events in one transaction; an id that exists with other content is refused."""
        outcomes: list[Appended] = []
        refused: list[Refusal] = []
        with self._database.writing() as connection:
            # With a number beyond all others SQLite would report a full disk.
            _last(connection)
            for row, event in enumerate(events):
                stored = connection.execute(f"SELECT {COLUMNS} FROM event WHERE id = ?", (event.id,)).fetchone()
                if stored is None:
                    values = values_of(event)
                    connection.execute(f"INSERT INTO event ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", values)
                    outcomes.append(Appended.WRITTEN)
                elif event_of(stored) == event:
                    outcomes.append(Appended.ALREADY_THERE)
                else:
                    reason = f"an event with the id {event.id!r} and other content is there already"
                    refused.append(Refusal(row, reason))
                    outcomes.append(Appended.REFUSED)
            number = _last(connection)
        return AppendReport(tuple(outcomes), tuple(refused), number)

    def since(self, number: int, limit: int | None = None) -> tuple[list[Event], int]:
        """Events after a number, in order, at most `limit`; and the number to continue from."""
        with self._database.reading() as connection:
            query = f"SELECT number, {COLUMNS} FROM event WHERE number > ? ORDER BY number LIMIT ?"
            rows = numbered(connection.execute(query, (number, -1 if limit is None else limit)))
            check_order([n for n, _ in rows], number, "event.number")
            last = _last(connection)
        reached = rows[-1][0] if limit is not None and len(rows) == limit else max(number, last)
        return [event for _, event in rows], reached

    def remove_up_to(self, number: int) -> None:
        """Remove the events with this number and smaller ones. Raises StoreDamaged if they are still there."""
        with self._database.writing() as connection:
            # By number and not by id, as `since` reads them: a damaged index of ids would find nothing to remove.
            connection.execute("DELETE FROM event WHERE number <= ?", (number,))
            if connection.execute("SELECT EXISTS (SELECT 1 FROM event WHERE number <= ?)", (number,)).fetchone()[0]:
                raise DamagedContent("events cannot be removed from it")

    def remove_user(self, user: str) -> int:
        """Remove a user's events; return their number."""
        with self._database.writing() as connection:
            # Without the index: a damaged one would miss some of them.
            removed = connection.execute("DELETE FROM event NOT INDEXED WHERE user = ?", (user,)).rowcount
        # A write-ahead log would still hold them.
        self._database.empty_log()
        return removed

    def last(self) -> int:
        """The highest number that an event has been given, 0 before the first."""
        with self._database.reading() as connection:
            return _last(connection)

    def count(self, user: str | None = None) -> int:
        """Number of events, of all users or of one."""
        with self._database.reading() as connection:
            if user is None:
                return connection.execute("SELECT count(*) FROM event").fetchone()[0]
            counted = connection.execute("SELECT count(*) FROM event NOT INDEXED WHERE user = ?", (user,))
            return counted.fetchone()[0]

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _last(connection: sqlite3.Connection) -> int:
    """Highest number ever given."""
    noted = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'event'")
    stored = connection.execute("SELECT coalesce(max(number), 0) FROM event")
    # SQLite's note of given numbers may be lost while the events remain.
    rows = [*checked(noted, integer("sqlite_sequence.seq")), *checked(stored, integer("event.number"))]
    return max(number for (number,) in rows)
