"""Read linking tables (orders between customers and order lines) before the events that need them."""

from __future__ import annotations

from kg.checking.quarantine import Quarantine
from kg.checking.values import RowProblem, key_of
from kg.ingest.lookup import LookupTable
from kg.schema import LinkingTable
from kg.sources import BadRecord, Reader, Reason


def read_linking_table(
    table: LinkingTable, reader: Reader, missing: frozenset[str], quarantine: Quarantine | None, section: str
) -> LookupTable:
    """Rows by key; bad ones go to the quarantine, if any: None where they were reported before."""
    key_column = reader.resolve(table.key)
    lookup = LookupTable()
    for record in reader:
        if isinstance(record, BadRecord):
            if quarantine is not None:
                quarantine.add_bad(record, section)
            continue
        try:
            key = key_of(record.values.get(key_column), key_column, missing)
            if key is None:
                raise RowProblem(Reason.MISSING_KEY, f"no value in the key column {key_column!r}")
            if lookup.add(key, dict(record.values)) is False:
                raise RowProblem(Reason.DUPLICATE_KEY, f"{key!r} is in an earlier row with other content")
        except RowProblem as problem:
            if quarantine is not None:
                quarantine.add(record, section, problem.reason, problem.detail)
    return lookup
