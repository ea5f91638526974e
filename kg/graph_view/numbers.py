"""Find the node of the graph for a key of the domain: by element id, with the key to compare again.

A node is found where a read finds it: it has the labels, fits the conditions, and belongs to no earlier kind. An
element id may be given to another node once its node is deleted, so a query that writes to one also checks its key.

Where many nodes are held at once, and compared in arrays, an element id ("4:<database>:17") is held as the number at
its end, an eighth of the memory; all nodes of a database share the text before it (`node_prefix`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neo4j import ManagedTransaction

from kg.graph_view.patterns import Conditions, labelled, plain, token
from kg.graph_view.values import key_column
from kg.schema import DomainSchema
from kg.stores.errors import StoreError
from kg.stores.neo4j.connection import first, rows

_AT_ONCE = 250_000
"""Nodes per record: some 30 MB of the server's memory."""

_PREFIX = re.compile(r"\d+:[^:]+:(?=\d+$)")


def node_prefix(transaction: ManagedTransaction) -> str:
    """The common prefix of the element ids of all nodes of a database, up to their numbers; empty without nodes.

    Raises StoreError if element ids have another form.
    """
    records = rows(transaction, "MATCH (n) RETURN elementId(n) LIMIT 1")
    if not records:
        return ""
    prefix = _PREFIX.match(records[0][0])
    if prefix is None:
        raise StoreError(
            f"the server's element ids look like {records[0][0]!r}, where WhyPath expects numbers like 4:<database>:17;"
            " use a server of Neo4j 5"
        )
    return prefix[0]


def number_of(variable: str) -> str:
    """Cypher for the number at the end of an element id."""
    return f"toInteger(split(elementId({variable}), ':')[2])"


def has_number(variable: str, value: str) -> str:
    """Cypher that finds the node with a number; the query needs the parameter `$nodes`, see `node_prefix`."""
    return f"elementId({variable}) = $nodes + toString({value})"


@dataclass(frozen=True)
class ByNumber:
    """Nodes of a kind, for `kg.stores.neo4j.results`; `label` has the index of their vectors, `prefix` is that of their
    element ids.
    """

    label: str
    labels: Sequence[str]
    property: str
    prefix: str
    numbers: Mapping[str, int]

    def of(self, keys: Sequence[str]) -> list[Any]:
        """See `Places.of`: the element id, and the possible values of the key property."""
        numbers = map(self.numbers.get, keys)
        return [
            None if place is None else [f"{self.prefix}{place}", spellings(key)]
            for key, place in zip(keys, numbers, strict=True)
        ]

    def match(self, variable: str, value: str) -> str:
        """See `Places.match`."""
        return (
            f"MATCH ({variable}) WHERE elementId({variable}) = {value}[0] AND {labelled(variable, self.labels)}"
            f" AND {plain(variable, self.property)} IN {value}[1]"
        )


def all_numbers(transaction: ManagedTransaction, schema: DomainSchema, kind: str) -> dict[str, int]:
    """The node of each key of a kind with labels, for keys that exactly one node has."""
    node = schema.nodes[kind]
    assert node.key is not None
    conditions, value = _conditions(schema, kind), plain("n", node.key)
    total = first(transaction, f"MATCH ({labelled('n', node.labels[:1])}) RETURN count(n)")[0]
    parts = total // _AT_ONCE + 1
    text = (
        f"MATCH ({labelled('n', node.labels)}) WHERE {number_of('n')} % $parts = $part{conditions.clause('AND')}"
        f" WITH {number_of('n')} AS number, {value} AS value WHERE value IS NOT NULL"
        " RETURN collect(number), collect(value)"
    )
    by_key: dict[str, int] = {}
    several: set[str] = set()
    for part in range(parts):
        numbers, values = first(transaction, text, parts=parts, part=part, **conditions.parameters)
        for key, place in zip(key_column(values, node.key)[0], numbers, strict=True):
            if key is not None and by_key.setdefault(key, place) != place:
                several.add(key)
    return {key: place for key, place in by_key.items() if key not in several}


def elements_of(
    transaction: ManagedTransaction, schema: DomainSchema, kind: str, keys: Iterable[str], *, all_labelled: bool = False
) -> dict[str, list[str]]:
    """Element ids of the nodes of some keys, by the index of the property if there is one; with `all_labelled` also
    nodes with the labels that a read would skip."""
    node = schema.nodes[kind]
    spelled = {value: key for key in sorted(keys) for value in spellings(key)}
    if not node.labels or node.key is None or not spelled:
        return {}
    conditions = Conditions() if all_labelled else _conditions(schema, kind)
    records = rows(
        transaction,
        f"MATCH ({labelled('n', node.labels)}) WHERE n.{token(node.key)} IN $values{conditions.clause('AND')}"
        f" RETURN n.{token(node.key)}, collect(elementId(n))",
        values=list(spelled),
        **conditions.parameters,
    )
    by_key: dict[str, list[str]] = {}
    for value, elements in records:
        if value in spelled:
            by_key.setdefault(spelled[value], []).extend(elements)
    return by_key


def spellings(key: str) -> list[Any]:
    """The property values that are this key: text, or a number with this spelling."""
    values: list[Any] = [key]
    digits = key.removeprefix("-")
    if digits.isascii() and digits.isdigit() and len(digits) < 20 and str(int(key)) == key:
        integer = int(key)
        if -(2**63) <= integer < 2**63:
            # Cypher compares 3 and 3.0 as equal.
            values.append(integer)
    return values


def _conditions(schema: DomainSchema, kind: str) -> Conditions:
    """The conditions for a node with the labels of a kind to belong to it: its `where`, and no earlier kind."""
    conditions = Conditions().add("n", schema.nodes[kind].where)
    for earlier, node in schema.nodes.items():
        if earlier == kind:
            break
        if node.labels:
            conditions.without("n", node.labels, node.where)
    return conditions
