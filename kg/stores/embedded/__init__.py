"""The embedded store: SQLite for the truth, arrays for everything that reads it. `EmbeddedStore.open(directory)`.

`journal_mode_reason` tells which journal SQLite keeps here, and why.
"""

from kg.stores.embedded.journal import journal_mode_reason, wal_is_safe
from kg.stores.embedded.store import EmbeddedStore

__all__ = ["EmbeddedStore", "journal_mode_reason", "wal_is_safe"]
