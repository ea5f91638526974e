"""Write vectors and recommendations into an external graph under `write: true`, with WhyPath's own names.

They are written to existing nodes; no node is created. A key that several nodes have, or none, is skipped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from neo4j import ManagedTransaction

from kg.graph_view.numbers import ByNumber, all_numbers, has_number, node_prefix, number_of
from kg.graph_view.own_names import OWN_PROPERTIES, OWN_TYPES, RESULTS
from kg.graph_view.patterns import token
from kg.graph_view.session import IDS_AT_ONCE
from kg.schema import DomainSchema, NodeKind
from kg.stores.errors import StoreError
from kg.stores.neo4j.connection import Connection, first, rows
from kg.stores.neo4j.results import write_recommendations, write_vectors
from kg.stores.results import KindVectors, ResultsReport, UserList

_AT_ONCE = 10_000
"""Nodes per transaction that removes former vectors."""


class OwnResults:
    """The results of a model in one graph."""

    def __init__(self, connection: Connection, schema: DomainSchema) -> None:
        self._connection = connection
        self._schema = schema

    def write_vectors(self, vectors: Sequence[KindVectors], progress: Callable[[int], None]) -> ResultsReport:
        """See `TakesResults.write_vectors`."""
        places = {kind_vectors.kind: self._places(kind_vectors.kind) for kind_vectors in vectors}
        numbers: dict[str, list[int]] = {}
        for kind_vectors in vectors:
            of_kind = places[kind_vectors.kind]
            known = of_kind.numbers
            numbers.setdefault(of_kind.label, []).extend(known[k] for k in kind_vectors.keys if k in known)
        for label, kept in numbers.items():
            self._remove_others(label, kept)
        return write_vectors(self._connection, vectors, places, names=RESULTS, progress=progress)

    def write_recommendations(
        self, lists: Iterable[UserList], *, bundle: str, time: float, progress: Callable[[int], None]
    ) -> ResultsReport:
        """See `TakesResults.write_recommendations`."""
        users = self._places(self._schema.user_kinds[0])
        items = {kind: self._places(kind) for kind in self._schema.item_kinds}
        return write_recommendations(
            self._connection, lists, users, items, bundle=bundle, time=time, names=RESULTS, progress=progress
        )

    def _places(self, kind: str) -> ByNumber:
        node = self._schema.nodes[kind]
        if not node.labels or node.key is None:
            # Created from values of properties: there is no node to write to.
            return ByNumber("", (), "", "", {})
        prefix, numbers = self._connection.read(
            lambda transaction: (node_prefix(transaction), all_numbers(transaction, self._schema, kind))
        )
        return ByNumber(self._label(kind), node.labels, node.key, prefix, numbers)

    def _label(self, kind: str) -> str:
        """The first of a kind's labels that no other kind has, so that its index has no other items; else the first."""
        used = Counter(label for node in self._schema.nodes.values() for label in set(node.labels))
        labels = self._schema.nodes[kind].labels
        return next((label for label in labels if used[label] == 1), labels[0])

    def _remove_others(self, label: str, kept: Sequence[int]) -> None:
        """Remove vectors of an earlier export from nodes that are no longer items: the index would find them."""
        vector, query_vector = token(RESULTS.vector), token(RESULTS.query_vector)
        has = (
            f"MATCH (n:{token(label)}) WHERE {number_of('n')} % $parts = $part"
            f" AND (n.{vector} IS NOT NULL OR n.{query_vector} IS NOT NULL) RETURN collect({number_of('n')})"
        )

        def found(transaction: ManagedTransaction) -> tuple[str, list[list[int]]]:
            parts = first(transaction, f"MATCH (n:{token(label)}) RETURN count(n)")[0] // IDS_AT_ONCE + 1
            numbers = [first(transaction, has, parts=parts, part=part)[0] for part in range(parts)]
            return node_prefix(transaction), numbers

        prefix, parts = self._connection.read(found)
        with_vectors = np.concatenate([np.array(part, dtype=np.int64) for part in parts])
        others = np.setdiff1d(with_vectors, np.array(kept, dtype=np.int64)).tolist()
        text = f"UNWIND $ids AS number MATCH (n) WHERE {has_number('n', 'number')} REMOVE n.{vector}, n.{query_vector}"
        for start in range(0, len(others), _AT_ONCE):
            page = others[start : start + _AT_ONCE]
            self._connection.write(lambda transaction, page=page: rows(transaction, text, nodes=prefix, ids=page))


def check_names(schema: DomainSchema) -> None:
    """Raise StoreError if a description reads WhyPath's own types or properties as part of the graph: an export would
    change the training data."""
    for section, name in _names(schema):
        if name in OWN_TYPES | OWN_PROPERTIES:
            raise StoreError(
                f"the domain description reads {name} under {section}, a name that WhyPath itself writes into a graph"
                " under `write: true`; take it out of the description, or rename it in the graph"
            )


def _names(schema: DomainSchema) -> Iterator[tuple[str, str]]:
    """(section, name) of the relationship types and node properties that a description reads."""
    for kind, node in schema.nodes.items():
        yield from ((f"nodes.{kind}", name) for name in _properties(node))
    for name, relation in schema.relations.items():
        if relation.relationship is not None:
            yield f"relations.{name}", relation.relationship.type
    for name, interaction in schema.interactions.items():
        if interaction.relationship is not None:
            yield f"interactions.{name}", interaction.relationship.type
        if interaction.path is not None:
            yield f"interactions.{name}", interaction.path.first.type
            yield f"interactions.{name}", interaction.path.last.type


def _properties(node: NodeKind) -> list[str]:
    named = [*([node.key] if node.key else []), *([node.label] if node.label else []), *node.text_columns]
    return [
        *named,
        *(spec.column or name for name, spec in node.fields.items()),
        *node.lists,
        *node.links,
        *node.where,
    ]
