"""Remember the quarantine files of a store in Neo4j, at the node of the store."""

from __future__ import annotations

from collections.abc import Sequence

from neo4j import ManagedTransaction

from kg.stores.neo4j.connection import rows
from kg.stores.neo4j.names import STORE_LABEL
from kg.stores.quarantines import QuarantinePlace

_STORE = f"(s:{STORE_LABEL} {{id: 1}})"

_BORDER = "\0"
"""Separates host and path; neither can contain it."""


def quarantine_places(transaction: ManagedTransaction) -> Sequence[QuarantinePlace]:
    """All files that were remembered."""
    records = rows(transaction, f"MATCH {_STORE} RETURN coalesce(s.quarantines, [])")
    texts = records[0][0] if records else []
    return [QuarantinePlace(*text.split(_BORDER, 1)) for text in texts if _BORDER in text]


def add_quarantine(transaction: ManagedTransaction, place: QuarantinePlace) -> None:
    """Remember a file, once."""
    rows(
        transaction,
        f"MATCH {_STORE} WHERE NOT $place IN coalesce(s.quarantines, [])"
        " SET s.quarantines = coalesce(s.quarantines, []) + $place",
        place=f"{place.host}{_BORDER}{place.path}",
    )
