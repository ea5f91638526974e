"""`LookupTable`: a linking table (orders between customers and order lines) in a temporary file, looked up by key."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from pathlib import Path

from kg.sources import Cell


class LookupTable:
    """Key -> a row's cells, in a temporary SQLite file, so that a table of any size fits."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="whypath-")
        self._database = sqlite3.connect(Path(self._folder.name) / "lookup.sqlite", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("CREATE TABLE rows (key TEXT PRIMARY KEY, cells TEXT) STRICT, WITHOUT ROWID")
        self._database.execute("BEGIN")

    def add(self, key: str, cells: dict[str, Cell]) -> bool | None:
        """Add a row: None if its key is new, else whether its row was the same."""
        # As ASCII: a JSON escape may be a lone surrogate, which a text of SQLite cannot hold.
        text = json.dumps(cells, default=str)
        added = self._database.execute("INSERT OR IGNORE INTO rows VALUES (?, ?)", (key, text)).rowcount
        return None if added else self._text(key) == text

    def get(self, key: str) -> dict[str, Cell] | None:
        """The row of a key."""
        text = self._text(key)
        return None if text is None else json.loads(text)

    def close(self) -> None:
        """Delete the file."""
        self._database.close()
        self._folder.cleanup()

    def _text(self, key: str) -> str | None:
        row = self._database.execute("SELECT cells FROM rows WHERE key = ?", (key,)).fetchone()
        return None if row is None else row[0]
