"""Load sources into a store: check each row, and write unusable ones to a quarantine. Independent of formats."""

from kg.checking.progress import LoadProgress, Progress, SectionReport
from kg.checking.quarantine import BadRow, QuarantineError
from kg.ingest.load import QUARANTINE_NAME, check_domain, load_domain
from kg.ingest.report import CheckReport, LoadError, LoadReport, StrictError
from kg.ingest.source_report import SourceReport
from kg.ingest.upsert import NodeUpsert, upsert_nodes

__all__ = [
    "QUARANTINE_NAME",
    "BadRow",
    "CheckReport",
    "LoadError",
    "LoadProgress",
    "LoadReport",
    "NodeUpsert",
    "Progress",
    "QuarantineError",
    "SectionReport",
    "SourceReport",
    "StrictError",
    "check_domain",
    "load_domain",
    "upsert_nodes",
]
