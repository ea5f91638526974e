"""Find paths between two nodes in Cypher, in the order of `PathSearch.listed`: one query per length, shortest first.

A pattern of fixed length is walked from both ends and joined in the middle, so four edges cost as much as two from each
end; the query sorts all paths of its length and returns the requested number. Types come from the schema, and values
that are compared with data are parameters.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from neo4j import ManagedTransaction

from kg.graph import UnknownNode
from kg.paths import FoundPaths, Path, PathEdge, PathNode, check_length
from kg.schema import DomainSchema
from kg.schema.interactions import EventRule
from kg.stores.errors import TookTooLong
from kg.stores.neo4j.connection import Connection, first, rows
from kg.stores.neo4j.names import COMMON_LABEL, Names, quoted

PATH_SECONDS = 30.0
"""Seconds for all lengths together; a length that the server cannot list in the remaining time is left out."""


def find_paths(
    connection: Connection,
    schema: DomainSchema,
    names: Names,
    ends: tuple[tuple[str, str], tuple[str, str]],
    *,
    max_edges: int,
    limit: int,
    interactions: bool,
) -> FoundPaths:
    """See `GraphStore.paths`."""
    check_length(max_edges)
    for kind, key in ends:
        if kind not in schema.nodes:
            raise UnknownNode(f"there is no node kind {kind!r}; the kinds are {', '.join(sorted(schema.nodes))}")
        node = f"MATCH (n:{names.label(kind)} {{key: $key}}) RETURN count(n)"
        if not connection.read(lambda transaction, text=node, key=key: first(transaction, text, key=key))[0]:
            raise UnknownNode(f"there is no {kind} {key!r} in the store")
    walked = _Walked.of(schema, names, interactions)
    paths: list[Path] = []
    if ends[0] == ends[1] or not walked.types:
        return FoundPaths((), complete=True)
    until = time.monotonic() + PATH_SECONDS
    for length in range(1, max_edges + 1):
        rest = limit - len(paths)
        query = _Query(schema, names, walked, ends, length)
        seconds = until - time.monotonic()
        try:
            if seconds <= 0:
                return FoundPaths(tuple(paths), complete=False)
            best = connection.read(
                lambda transaction, query=query, rest=rest: query.run(transaction, rest + 1), seconds
            )
        except TookTooLong:
            return FoundPaths(tuple(paths), complete=False)
        paths += best[:rest]
        if len(best) > rest or (len(paths) == limit and length < max_edges):
            return FoundPaths(tuple(paths), complete=False)
    return FoundPaths(tuple(paths), complete=True)


@dataclass(frozen=True)
class _Kind:
    """A relation, or an interaction with one kind of items, as relationships."""

    name: str
    label: str
    type: str
    head: str
    tail: str


@dataclass(frozen=True)
class _Walked:
    """The kinds of edges to walk. `kinds` in the order of `kg.paths.adjacency`; `mixed`: those whose type other
    relations share, so that only the labels at the ends distinguish them. `types`: those to walk; `counted`: those all
    of whose relationships count for a node's degree. `positive`: the rules on weights by type.
    """

    kinds: tuple[_Kind, ...]
    mixed: frozenset[int]
    types: tuple[str, ...]
    counted: tuple[str, ...]
    positive: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, schema: DomainSchema, names: Names, interactions: bool) -> _Walked:
        relations = [(name, spec) for name, spec in sorted(schema.relation_kinds.items())]
        shown = [
            _Kind(name, spec.label, names.relation(spec), names.label(spec.head), names.label(spec.tail))
            for name, spec in relations
            if not spec.hidden
        ]
        events: list[_Kind] = []
        positive: dict[str, dict[str, Any]] = {}
        types = [kind.type for kind in shown]
        user = names.label(schema.user_kinds[0])
        for name, spec in sorted(schema.interactions.items()) if interactions else ():
            spelling = names.interaction(name)
            events += [_Kind(name, spec.label, spelling, user, names.label(item)) for item in sorted(spec.items)]
            if spec.positive.always is not False:
                types.append(spelling)
            if spec.positive.needs_weight:
                positive[_bare(spelling)] = {"ranges": _ranges(spec.positive), "unweighted": spec.positive.unweighted}
        kinds = (*shown, *events)
        hidden = [names.relation(spec) for _, spec in relations if spec.hidden]
        uses = [*(kind.type for kind in kinds), *hidden]
        mixed = frozenset(code for code, kind in enumerate(kinds) if uses.count(kind.type) > 1)
        counted = [kind.type for kind in kinds if kind.type not in hidden]
        return cls(kinds, mixed, _distinct(types), _distinct(counted), positive)


@dataclass(frozen=True)
class _Query:
    """The query for paths of one length."""

    schema: DomainSchema
    names: Names
    walked: _Walked
    ends: tuple[tuple[str, str], tuple[str, str]]
    length: int

    def run(self, transaction: ManagedTransaction, limit: int) -> list[Path]:
        """At most `limit` paths, in order."""
        mixed = [self.walked.kinds[code] for code in sorted(self.walked.mixed)]
        records = rows(
            transaction,
            self._text(),
            start=self.ends[0][1],
            end=self.ends[1][1],
            limit=limit,
            codes={_bare(k.type): c for c, k in enumerate(self.walked.kinds) if c not in self.walked.mixed},
            mixed=[
                {"type": _bare(kind.type), "head": _bare(kind.head), "tail": _bare(kind.tail), "code": code}
                for code, kind in zip(sorted(self.walked.mixed), mixed, strict=True)
            ],
            positive=self.walked.positive,
        )
        return [self._path(codes, nodes) for codes, nodes in records]

    def _text(self) -> str:
        """The pattern with nodes n0 to n[length] and relationships r1 to r[length]; c[i] is the code of the i-th step.

        The relationships of several events of a user on an item are one edge, hence DISTINCT.
        """
        steps, inner, last = range(1, self.length + 1), range(1, self.length), self.length
        start, end = (self.names.label(kind) for kind, _ in self.ends)
        types = "|".join(self.walked.types)
        pattern = "".join(f"-[r{i}:{types}]-(n{i}{f':{quoted(COMMON_LABEL)}' if i < last else ''})" for i in steps)
        join = f" USING JOIN ON n{last // 2}" if last > 2 else ""
        apart = [f"n{j} <> n{i}" for i in range(1, last + 1) for j in range(i)]
        liked = [_is_positive(f"r{i}") for i in steps] if self.walked.positive else []
        nodes = ", ".join(f"n{i}" for i in range(last + 1))
        codes = [f"{_code(f'r{i}', f'n{i - 1}')} AS c{i}" for i in steps]
        known = " AND ".join(f"c{i} IS NOT NULL" for i in steps)
        commonness = ", ".join(self._commonness(f"n{i}") for i in inner)
        order = ["common", *(f"c{i}, n{i}.key" for i in inner), f"c{last}"]
        return (
            f"MATCH (n0:{start} {{key: $start}}) MATCH (n{last}:{end} {{key: $end}})"
            f" MATCH (n0){pattern}{join} WHERE {' AND '.join([*apart, *liked])}"
            f" WITH DISTINCT {nodes}, {', '.join(codes)} WHERE {known}"
            f" WITH *, reduce(most = 0, each IN [{commonness}] | CASE WHEN each > most THEN each ELSE most END)"
            f" AS common ORDER BY {', '.join(order)} LIMIT $limit"
            f" RETURN [{', '.join(f'c{i}' for i in steps)}], [n IN [{nodes}] | [labels(n), n.key, n.name]]"
        )

    def _commonness(self, node: str) -> str:
        """Number of edges of a node; an edge from a node to itself counts once."""
        parts = [f"COUNT {{ ({node})-[:{'|'.join(self.walked.counted)}]-() }}"] if self.walked.counted else []
        for code in sorted(self.walked.mixed):
            kind = self.walked.kinds[code]
            if kind.type not in self.walked.counted:
                parts.append(f"COUNT {{ ({node}:{kind.head})-[:{kind.type}]->(:{kind.tail}) }}")
                parts.append(f"COUNT {{ ({node}:{kind.tail})<-[:{kind.type}]-(o:{kind.head}) WHERE o <> {node} }}")
        return " + ".join(parts)

    def _path(self, codes: Sequence[int], nodes: Sequence[Sequence[Any]]) -> Path:
        shown: list[PathNode] = []
        for position, (labels, key, label) in enumerate(nodes):
            kind = self.names.kind_of(labels) or ""
            user = kind in self.schema.user_kinds
            shown.append(PathNode.shown(kind, key, label, user=user, first=position == 0))
        kinds = [(self.walked.kinds[code // 2], code % 2 == 0) for code in codes]
        return Path(tuple(shown), tuple(PathEdge(kind.name, kind.label, forward) for kind, forward in kinds))


def _code(relationship: str, node: str) -> str:
    """Twice the number of the relationship's kind, plus 1 where it is walked from its tail to its head; null for a
    relationship that must not be walked.
    """
    by_ends = (
        f"head([k IN $mixed WHERE k.type = type({relationship}) AND k.head IN labels(startNode({relationship}))"
        f" AND k.tail IN labels(endNode({relationship})) | k.code])"
    )
    backward = f"CASE WHEN startNode({relationship}) = {node} THEN 0 ELSE 1 END"
    return f"2 * coalesce($codes[type({relationship})], {by_ends}) + {backward}"


def _is_positive(relationship: str) -> str:
    rule = f"$positive[type({relationship})]"
    weight = f"{relationship}.weight"
    within = f"any(range IN {rule}.ranges WHERE range[0] <= {weight} <= range[1])"
    return f"({rule} IS NULL OR CASE WHEN {weight} IS NULL THEN {rule}.unweighted ELSE {within} END)"


def _ranges(rule: EventRule) -> list[list[float]]:
    """The weights that a rule accepts, as ranges of doubles: rules compare weights rounded to single precision."""
    least = -np.inf if rule.min_weight is None else _rounding_to(rule.min_weight)[0]
    most = np.inf if rule.max_weight is None else _rounding_to(rule.max_weight)[1]
    if rule.weights is None:
        return [[least, most]]
    ranges = [_rounding_to(weight) for weight in rule.weights]
    return [[max(low, least), min(high, most)] for low, high in ranges]


def _rounding_to(value: float) -> tuple[float, float]:
    """The smallest and the largest double that round to this value in single precision."""
    single = np.float32(value)
    ends: list[float] = []
    for direction in (-np.inf, np.inf):
        beyond = np.nextafter(single, np.float32(direction))
        halfway = (float(single) + float(beyond)) / 2
        rounds = np.float32(halfway) == single
        ends.append(halfway if rounds else float(np.nextafter(halfway, float(single))))
    return ends[0], ends[1]


def _bare(name: str) -> str:
    """A quoted name without its quotes, as a value to compare with."""
    return name.strip("`")


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
