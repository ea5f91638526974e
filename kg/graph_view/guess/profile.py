"""Profile a graph: its labels, relationship types and properties, by counts that the server keeps and by samples.

Every query is bounded: counts come from the count store, all other queries read a limited number of elements.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

from neo4j import ManagedTransaction

from kg.graph_view.own_names import OWN_PROPERTIES, OWN_TYPES
from kg.graph_view.patterns import token
from kg.graph_view.values import without_zone
from kg.sources.guess.profile import ColumnProfile
from kg.sources.records import Cell
from kg.stores.errors import StoreError
from kg.stores.neo4j.connection import Connection, first, rows

SAMPLE = 1_000
"""Nodes per label, or relationships per type, whose properties are read."""

KEYS_SAMPLE = 100_000
"""Nodes per label in which keys are checked for repeats."""

_MOST_NAMES = 200
"""Number of labels, and of types, to profile: those with the most elements."""

_MOST_PAIRS = 2_000
"""Maximum of labels times types for which each pair is counted."""

_LONGEST = 1_000
_MOST_PARTS = 20
_VALUE = (
    "CASE WHEN v IS :: STRING THEN left(v, $longest) WHEN v IS :: BOOLEAN | INTEGER | FLOAT THEN v"
    " WHEN v IS :: LIST<ANY> THEN [x IN v[..$parts] | CASE WHEN x IS :: BOOLEAN | INTEGER | FLOAT | STRING THEN x"
    " ELSE toStringOrNull(x) END] ELSE toStringOrNull(v) END"
)


@dataclass
class PropertyProfile:
    """A property: its values as of a column, and the types that the server names."""

    column: ColumnProfile
    types: Counter[str] = field(default_factory=Counter)

    @property
    def is_point(self) -> bool:
        """Whether it holds places."""
        return any(name.startswith("POINT") for name in self.types)


@dataclass
class LabelProfile:
    """Nodes with a label: their number, and for a sample their other labels and properties."""

    label: str
    count: int
    sampled: int
    together: Counter[frozenset[str]]
    properties: dict[str, PropertyProfile]
    unique: frozenset[str]
    """Properties under a uniqueness constraint."""


@dataclass
class TypeProfile:
    """Relationships of a type: their number, and for a sample the labels of their ends and their properties."""

    type: str
    count: int
    ends: Counter[tuple[frozenset[str], frozenset[str]]]
    properties: dict[str, PropertyProfile]


@dataclass(frozen=True)
class GraphProfile:
    """The profile of a graph."""

    labels: dict[str, LabelProfile]
    types: dict[str, TypeProfile]
    connection: Connection
    notes: tuple[str, ...]

    def uniqueness(self, label: str, property: str) -> tuple[int, int, int]:
        """Number of sampled nodes with a label, of those with the property, and of its distinct values."""
        text = (
            f"MATCH (n:{token(label)}) WITH n LIMIT $most"
            f" RETURN count(n), count(n.{token(property)}), count(DISTINCT n.{token(property)})"
        )
        counts = self.connection.read(lambda transaction: first(transaction, text, most=KEYS_SAMPLE))
        return counts[0], counts[1], counts[2]


def profile_graph(connection: Connection) -> GraphProfile:
    """Profile the graph of a database."""
    labels = connection.read(
        lambda transaction: _counted(transaction, "CALL db.labels()", "MATCH (n:{}) RETURN count(n)")
    )
    types = connection.read(
        lambda transaction: _counted(transaction, "CALL db.relationshipTypes()", "MATCH ()-[r:{}]->() RETURN count(r)")
    )
    # WhyPath's own elements are not part of the graph.
    own_types = sorted(name for name in OWN_TYPES if types.pop(name, 0))
    unique = connection.read(_constraints)
    notes = [
        f"{what}: only the {_MOST_NAMES} with the most elements were looked at, of {len(counts):,}"
        for what, counts in (("labels", labels), ("relationship types", types))
        if len(counts) > _MOST_NAMES
    ]
    notes += [f"{name}: left out, as WhyPath has written it" for name in own_types]
    for name in (name for name in (*labels, *types) if not _can_be_named(name)):
        notes.append(f"{name!r}: left out; a name with a backslash cannot be put into a query")
    found_labels = {n: connection.read(partial(_label, label=n, count=c, unique=unique)) for n, c in _most(labels)}
    found_types = {n: connection.read(partial(_type, type=n, count=c)) for n, c in _most(types)}
    if len(found_labels) * len(found_types) <= _MOST_PAIRS:
        connection.read(lambda t: _widen(t, list(found_labels), list(found_types.values())))
    else:
        notes.append(
            "relationship types: their ends were looked at in a sample only, as there are many labels and types"
        )
    return GraphProfile(found_labels, found_types, connection, tuple(notes))


def _most(counts: Counter[str]) -> list[tuple[str, int]]:
    counted = [(name, count) for name, count in counts.items() if count and _can_be_named(name)]
    return sorted(counted, key=lambda pair: (-pair[1], pair[0]))[:_MOST_NAMES]


def _can_be_named(name: str) -> bool:
    try:
        token(name)
    except StoreError:
        return False
    return True


def _counted(transaction: ManagedTransaction, names: str, count: str) -> Counter[str]:
    names_found = [row[0] for row in rows(transaction, names)]
    counted: Counter[str] = Counter(dict.fromkeys(names_found, 0))
    for start in range(0, len(names_found), 50):
        some = [name for name in names_found[start : start + 50] if _can_be_named(name)]
        text = " UNION ALL ".join(f"{count.format(token(name))} AS count, {at} AS at" for at, name in enumerate(some))
        for number, at in rows(transaction, text) if some else ():
            counted[some[at]] = number
    return counted


def _constraints(transaction: ManagedTransaction) -> dict[str, set[str]]:
    constraints: dict[str, set[str]] = {}
    text = (
        "SHOW CONSTRAINTS YIELD type, entityType, labelsOrTypes, properties"
        " WHERE entityType = 'NODE' AND type IN ['UNIQUENESS', 'NODE_KEY'] AND size(properties) = 1"
        " RETURN labelsOrTypes[0], properties[0]"
    )
    for label, property in rows(transaction, text):
        constraints.setdefault(label, set()).add(property)
    return constraints


def _label(transaction: ManagedTransaction, label: str, count: int, unique: dict[str, set[str]]) -> LabelProfile:
    text = (
        f"MATCH (n:{token(label)}) WITH n LIMIT $sample RETURN labels(n),"
        f" [k IN keys(n) | [k, valueType(n[k])]], [v IN [k IN keys(n) | n[k]] | {_VALUE}]"
    )
    records = rows(transaction, text, sample=SAMPLE, longest=_LONGEST, parts=_MOST_PARTS)
    together = Counter(frozenset(labels) for labels, _, _ in records)
    properties = _properties((names, values) for _, names, values in records)
    return LabelProfile(label, count, len(records), together, properties, frozenset(unique.get(label, ())))


def _type(transaction: ManagedTransaction, type: str, count: int) -> TypeProfile:
    text = (
        f"MATCH (a)-[r:{token(type)}]->(b) WITH a, r, b LIMIT $sample RETURN labels(a), labels(b),"
        f" [k IN keys(r) | [k, valueType(r[k])]], [v IN [k IN keys(r) | r[k]] | {_VALUE}]"
    )
    records = rows(transaction, text, sample=SAMPLE, longest=_LONGEST, parts=_MOST_PARTS)
    ends = Counter((frozenset(start), frozenset(end)) for start, end, _, _ in records)
    return TypeProfile(type, count, ends, _properties((names, values) for _, _, names, values in records))


def _widen(transaction: ManagedTransaction, labels: list[str], types: list[TypeProfile]) -> None:
    """Add ends that the sample has missed: it has the oldest relationships, and later ones may lead elsewhere."""
    for type_ in types:
        wanted = [(label, at) for at in (0, 1) for label in labels if not any(label in ends[at] for ends in type_.ends)]
        for start in range(0, len(wanted), 50):
            some = wanted[start : start + 50]
            patterns = [_between(label, at, type_.type) for label, at in some]
            text = " UNION ALL ".join(f"MATCH {p} RETURN count(r) AS count, {n} AS n" for n, p in enumerate(patterns))
            for count, n in rows(transaction, text):
                if count:
                    pattern = _between(some[n][0], some[n][1], type_.type, "a", "b")
                    text = f"MATCH {pattern} WITH a, b LIMIT $sample RETURN labels(a), labels(b)"
                    for first_end, second_end in rows(transaction, text, sample=SAMPLE // 10):
                        type_.ends[frozenset(first_end), frozenset(second_end)] += 1


def _between(label: str, at: int, type: str, start: str = "", end: str = "") -> str:
    """Relationships of a type with a label at their start (0) or end (1)."""
    labelled = (f":{token(label)}", "") if at == 0 else ("", f":{token(label)}")
    return f"({start}{labelled[0]})-[r:{token(type)}]->({end}{labelled[1]})"


def _properties(elements: Iterable[tuple[list[list[str]], list[Any]]]) -> dict[str, PropertyProfile]:
    profiles: dict[str, PropertyProfile] = {}
    total = 0
    for names, values in elements:
        total += 1
        for (name, type), value in zip(names, values, strict=True):
            if name in OWN_PROPERTIES:
                continue
            if name not in profiles:
                profiles[name] = PropertyProfile(ColumnProfile(name))
            profiles[name].types[type] += 1
            profiles[name].column.add(_cell(value, type))
    for profile in profiles.values():
        profile.column.missing += total - profile.column.rows
        profile.column.rows = total
    return dict(sorted(profiles.items()))


def _cell(value: Any, type: str) -> Cell:
    """A value, with the server's own times as times, so that they are recognised."""
    if isinstance(value, str) and type.startswith(("DATE", "ZONED DATETIME", "LOCAL DATETIME")):
        try:
            moment = datetime.fromisoformat(without_zone(value))
        except ValueError:
            return value
        return date(moment.year, moment.month, moment.day) if type.startswith("DATE") else moment
    return value
