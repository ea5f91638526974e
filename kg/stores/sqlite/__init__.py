"""SQLite files that survive a kill: transactions in turn, the choice of the journal, the check of the format. The
embedded store and the event log are such files.
"""

from kg.stores.sqlite.content import DamagedContent, blob, check_order, checked, integer, real, text
from kg.stores.sqlite.database import Database
from kg.stores.sqlite.file_format import FileFormat
from kg.stores.sqlite.journal import journal_mode_reason, wal_is_safe

__all__ = [
    "DamagedContent",
    "Database",
    "FileFormat",
    "blob",
    "check_order",
    "checked",
    "integer",
    "journal_mode_reason",
    "real",
    "text",
    "wal_is_safe",
]
