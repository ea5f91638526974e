"""Create constraints and indexes before rows: keys are unique in a kind, event ids in an interaction.

Existing ones are recognised by what they do and not by name, so a constraint that the owner of the database has created
is used as well.
"""

from __future__ import annotations

from neo4j import ManagedTransaction

from kg.stores.neo4j.connection import Connection, rows
from kg.stores.neo4j.names import STORE_LABEL, Names, quoted

_WAIT_SECONDS = 300

_BUILDING_SECONDS = 4 * 3600.0
"""Seconds for constraints over existing rows, after a bulk import."""


def ensure_store_constraint(connection: Connection) -> None:
    """The constraint that keeps a second store out of the database."""
    _ensure(connection, [(STORE_LABEL, "id", False, True)])


def ensure_layout(connection: Connection, names: Names) -> None:
    """Create missing constraints and indexes of all kinds and interactions.

    Raises StoreError if they conflict with existing rows or indexes.
    """
    keys = [(label, "key", False, True) for label in names.labels.values()]
    ids = [(spelling, "id", True, True) for spelling in names.interactions.values()]
    numbers = [(spelling, "_number", True, False) for spelling in names.interactions.values()]
    _ensure(connection, [*keys, *ids, *numbers])


def _ensure(connection: Connection, wanted: list[tuple[str, str, bool, bool]]) -> None:
    """(label or type, property, whether of relationships, whether unique)."""
    existing = connection.read(_existing)
    missing = [index for index in wanted if index not in existing]
    if not missing:
        return

    def create(transaction: ManagedTransaction) -> None:
        for name, key, relationships, unique in missing:
            pattern = f"()-[x:{quoted(name)}]-()" if relationships else f"(x:{quoted(name)})"
            called = quoted(f"whypath_{name}_{key.strip('_')}")
            if unique:
                rows(transaction, f"CREATE CONSTRAINT {called} IF NOT EXISTS FOR {pattern} REQUIRE x.{key} IS UNIQUE")
            else:
                rows(transaction, f"CREATE RANGE INDEX {called} IF NOT EXISTS FOR {pattern} ON (x.{key})")

    connection.write(create, _BUILDING_SECONDS)
    connection.read(lambda transaction: rows(transaction, f"CALL db.awaitIndexes({_WAIT_SECONDS})"))


def _existing(transaction: ManagedTransaction) -> set[tuple[str, str, bool, bool]]:
    records = rows(
        transaction,
        "SHOW INDEXES YIELD entityType, labelsOrTypes, properties, type, owningConstraint, state"
        " WHERE type = 'RANGE' AND size(labelsOrTypes) = 1 AND size(properties) = 1 AND state = 'ONLINE'"
        " RETURN labelsOrTypes[0], properties[0], entityType = 'RELATIONSHIP', owningConstraint IS NOT NULL",
    )
    return {(name, key, relationships, unique) for name, key, relationships, unique in records}
