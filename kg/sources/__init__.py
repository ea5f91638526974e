"""Readers: turn files and in-memory tables into streams of raw records with positions.

Each reader can be iterated any number of times in bounded memory. A row that cannot be read is yielded as a
`BadRecord`; only a source that is unreadable as a whole raises, `SourceError`.
"""

from kg.sources.iris import readable_name
from kg.sources.networkx_graph import domain_from_networkx
from kg.sources.open_source import open_source, read_id_map
from kg.sources.records import BadRecord, Cell, RawRecord, Reader, Reason, Record, SourceError

__all__ = [
    "BadRecord",
    "Cell",
    "RawRecord",
    "Reader",
    "Reason",
    "Record",
    "SourceError",
    "domain_from_networkx",
    "open_source",
    "read_id_map",
    "readable_name",
]
