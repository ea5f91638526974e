"""The embedded store: SQLite for the truth, arrays for everything that reads it. `EmbeddedStore.open(directory)`.

Why SQLite and why these settings: docs, "The embedded store". `journal_mode_reason` tells which journal is used here.
"""

from kg.stores.embedded.journal import journal_mode_reason, wal_is_safe
from kg.stores.embedded.store import EmbeddedStore

__all__ = ["EmbeddedStore", "journal_mode_reason", "wal_is_safe"]
