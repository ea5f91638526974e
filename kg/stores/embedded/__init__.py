"""The embedded store: SQLite for the truth, arrays for everything that reads it. `EmbeddedStore.open(directory)`.

`journal_mode_reason` tells which journal SQLite keeps here, and why.
"""

from kg.stores.embedded.store import EmbeddedStore
from kg.stores.sqlite import journal_mode_reason, wal_is_safe

__all__ = ["EmbeddedStore", "journal_mode_reason", "wal_is_safe"]
