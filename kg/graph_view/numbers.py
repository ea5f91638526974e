"""Which node of the graph a key of the domain is: by the server's own numbers, with the key to be compared again.

A node is found where a read would find it: it has the labels, fits the conditions, and belongs to no earlier kind. A
number may be given to another node once its node is gone, so whoever writes to one asks for its key as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neo4j import ManagedTransaction

from kg.graph_view.patterns import Conditions, labelled, plain, token
from kg.graph_view.values import key_column
from kg.schema import DomainSchema
from kg.stores.neo4j.connection import first, rows

_AT_ONCE = 250_000
"""Nodes of one record: some 30 MB of the server's memory."""


@dataclass(frozen=True)
class ByNumber:
    """Nodes of a kind, for `kg.stores.neo4j.results`; `label` has the index of their vectors."""

    label: str
    labels: Sequence[str]
    property: str
    numbers: Mapping[str, int]

    def of(self, keys: Sequence[str]) -> list[Any]:
        """See `Places.of`: the number, and the values that the key property may have."""
        found = map(self.numbers.get, keys)
        return [None if number is None else [number, spellings(key)] for key, number in zip(keys, found, strict=True)]

    def match(self, variable: str, value: str) -> str:
        """See `Places.match`."""
        return (
            f"MATCH ({variable}) WHERE id({variable}) = {value}[0] AND {labelled(variable, self.labels)}"
            f" AND {plain(variable, self.property)} IN {value}[1]"
        )


def all_numbers(transaction: ManagedTransaction, schema: DomainSchema, kind: str) -> dict[str, int]:
    """The node of each key of a kind with labels, of the keys that exactly one node has."""
    node = schema.nodes[kind]
    assert node.key is not None
    conditions, value = _conditions(schema, kind), plain("n", node.key)
    total = first(transaction, f"MATCH ({labelled('n', node.labels[:1])}) RETURN count(n)")[0]
    parts = total // _AT_ONCE + 1
    text = (
        f"MATCH ({labelled('n', node.labels)}) WHERE id(n) % $parts = $part{conditions.clause('AND')}"
        f" WITH id(n) AS number, {value} AS value WHERE value IS NOT NULL RETURN collect(number), collect(value)"
    )
    found: dict[str, int] = {}
    several: set[str] = set()
    for part in range(parts):
        numbers, values = first(transaction, text, parts=parts, part=part, **conditions.parameters)
        for key, number in zip(key_column(values, node.key)[0], numbers, strict=True):
            if key is not None and found.setdefault(key, number) != number:
                several.add(key)
    return {key: number for key, number in found.items() if key not in several}


def numbers_of(
    transaction: ManagedTransaction, schema: DomainSchema, kind: str, keys: Iterable[str], *, all_labelled: bool = False
) -> dict[str, list[int]]:
    """The nodes of some keys, by the index of the property where there is one; with `all_labelled` also nodes with
    the labels that a read would pass over."""
    node = schema.nodes[kind]
    spelled = {value: key for key in sorted(keys) for value in spellings(key)}
    if not node.labels or node.key is None or not spelled:
        return {}
    conditions = Conditions() if all_labelled else _conditions(schema, kind)
    found = rows(
        transaction,
        f"MATCH ({labelled('n', node.labels)}) WHERE n.{token(node.key)} IN $values{conditions.clause('AND')}"
        f" RETURN n.{token(node.key)}, collect(id(n))",
        values=list(spelled),
        **conditions.parameters,
    )
    by_key: dict[str, list[int]] = {}
    for value, numbers in found:
        if value in spelled:
            by_key.setdefault(spelled[value], []).extend(numbers)
    return by_key


def spellings(key: str) -> list[Any]:
    """The property values that are this key: text, or a number that is spelled so."""
    found: list[Any] = [key]
    digits = key.removeprefix("-")
    if digits.isascii() and digits.isdigit() and len(digits) < 20 and str(int(key)) == key:
        number = int(key)
        if -(2**63) <= number < 2**63:
            # Cypher compares 3 and 3.0 as equal.
            found.append(number)
    return found


def _conditions(schema: DomainSchema, kind: str) -> Conditions:
    """What makes a node with the labels of a kind one of it: its `where`, and that it is of no earlier kind."""
    conditions = Conditions().add("n", schema.nodes[kind].where)
    for earlier, node in schema.nodes.items():
        if earlier == kind:
            break
        if node.labels:
            conditions.without("n", node.labels, node.where)
    return conditions
