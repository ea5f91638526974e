"""Convert node rows to properties and back, and look nodes up by key in bulk.

A node has its key as `key`, its label as `name`, its text as `text` where it has one, and every field as a property of
its own name. `_id` is a number of the store's own, given once, which snapshots are read by; `_load` is the number of
the last load that named the node, 0 for a user that only events name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from neo4j import ManagedTransaction

from kg.rows import NodeRow
from kg.stores.fitting import known_fields
from kg.stores.neo4j.batches import send, slices
from kg.stores.neo4j.connection import first, rows
from kg.stores.neo4j.names import COMMON_LABEL, QUERY_VECTOR, VECTOR, property_name, quoted

LONGEST_KEY = 7_000
"""Bytes of UTF-8; an entry of Neo4j's range index takes some 8,000."""

_OWN = frozenset({"_id", "_load", VECTOR, QUERY_VECTOR})


def content_of(row: NodeRow) -> dict[str, Any]:
    """The properties of a row, without the store's own numbers."""
    fields = {property_name(name): value for name, value in known_fields(row.fields).items()}
    return {"key": row.key, "name": row.label, **({"text": row.text} if row.text else {}), **fields}


def same_content(content: Mapping[str, Any], properties: Mapping[str, Any]) -> bool:
    """Whether a stored node has the content of a row; 1, 1.0 and true differ."""
    stored = {name: value for name, value in properties.items() if name not in _OWN}
    return stored == content and all(type(stored[name]) is type(value) for name, value in content.items())


def unindexable(row: NodeRow) -> str | None:
    """Why this database cannot store a row that other stores can."""
    if too_long_to_index(row.key):
        return f"the {row.kind}'s key is longer than {LONGEST_KEY:,} bytes, which Neo4j cannot index"
    return None


def too_long_to_index(text: str) -> bool:
    """Whether a text has more bytes of UTF-8 than `LONGEST_KEY`."""
    return 4 * len(text) > LONGEST_KEY and len(text.encode()) > LONGEST_KEY


def by_key(label: str, variable: str = "n", key: str = "key") -> str:
    """The clause that finds a node by its key; `label` is quoted.

    It names the index. The planner used it anyway in all tested states (empty, nodes, nodes and relationships); with
    the name it does not depend on statistics, which change all the time during a first load.
    """
    return f"MATCH ({variable}:{label} {{key: {key}}}) USING INDEX SEEK {variable}:{label}(key)"


def nodes_by_key(transaction: ManagedTransaction, label: str, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Properties of the nodes of a label that exist among the keys, without vectors; `label` is quoted."""
    projection = f"{{.*, {VECTOR}: null, {QUERY_VECTOR}: null}}"
    text = f"UNWIND $keys AS key {by_key(label)} RETURN collect(n {projection})"
    nodes = first(transaction, text, keys=list(dict.fromkeys(keys)))[0]
    return {properties["key"]: properties for properties in nodes}


def known_keys(transaction: ManagedTransaction, label: str, keys: Iterable[str]) -> set[str]:
    """The keys that exist."""
    text = f"UNWIND $keys AS key {by_key(label)} RETURN collect(n.key)"
    return set(first(transaction, text, keys=list(dict.fromkeys(keys)))[0])


def create_nodes(transaction: ManagedTransaction, label: str, properties: list[dict[str, Any]]) -> None:
    """Create new nodes."""
    text = f"UNWIND $rows AS row CREATE (n:{label}:{quoted(COMMON_LABEL)}) SET n = row"
    sent = [send(transaction, text, rows=part) for part in slices(properties)]
    for result in sent:
        result.consume()


def overwrite_nodes(transaction: ManagedTransaction, label: str, properties: list[dict[str, Any]]) -> None:
    """Replace all properties of existing nodes, found by key."""
    if properties:
        text = f"UNWIND $rows AS row {by_key(label, 'n', 'row.key')} SET n:{quoted(COMMON_LABEL)}, n = row"
        rows(transaction, text, rows=properties)


def touch_nodes(transaction: ManagedTransaction, label: str, keys: list[str], load: int) -> None:
    """Note that a load named these nodes."""
    if keys:
        text = f"UNWIND $keys AS key {by_key(label)} SET n._load = $load"
        rows(transaction, text, keys=keys, load=load)
