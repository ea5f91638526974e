"""Ingest: from sources to a store, row by checked row, with a quarantine for what cannot be used. Knows no format."""

from kg.ingest.load import QUARANTINE_NAME, load_domain
from kg.ingest.quarantine import BadRow, QuarantineError
from kg.ingest.report import LoadError, LoadProgress, LoadReport, Progress, SectionReport, StrictError

__all__ = [
    "QUARANTINE_NAME",
    "BadRow",
    "LoadError",
    "LoadProgress",
    "LoadReport",
    "Progress",
    "QuarantineError",
    "SectionReport",
    "StrictError",
    "load_domain",
]
