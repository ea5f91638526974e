"""The embedded store: SQLite as the source of truth, arrays for readers. `EmbeddedStore.open(directory)`.

`journal_mode_reason` reports which journal SQLite uses here, and why.
"""

from kg.stores.embedded.store import EmbeddedStore
from kg.stores.sqlite import journal_mode_reason, wal_is_safe

__all__ = ["EmbeddedStore", "journal_mode_reason", "wal_is_safe"]
