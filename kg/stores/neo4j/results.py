"""Write vectors and recommendations into the database for queries in Cypher: native vector indexes, and relationships.

All functions take names and a way to find nodes, so that they work with a graph of any shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from neo4j import ManagedTransaction

from kg.stores.errors import StoreError
from kg.stores.neo4j.connection import Connection, first, rows
from kg.stores.neo4j.names import QUERY_VECTOR, RECOMMENDED, VECTOR, free_name, spelled
from kg.stores.results import KindVectors, ResultsReport, UserList

MAX_DIMENSIONS = 4_096
"""Maximum dimensions of a vector index."""

_VECTORS_AT_ONCE = 500
"""Items per transaction: some 2 MB at 256 dimensions."""

_ROWS_AT_ONCE = 5_000
"""Recommendations per transaction, about: a user's are not split."""

_WAIT_SECONDS = 600

_INDEX_PREFIX = "whypath_"
"""Prefix of the names of WhyPath's indexes; an index of another name is never dropped."""

Turn: TypeAlias = Callable[[ManagedTransaction], object]
"""Called first in every transaction that writes, so that writers take turns."""


class Places(Protocol):
    """How the nodes of one kind are found."""

    @property
    def label(self) -> str:
        """The label that the index of their vectors is on."""
        ...

    def of(self, keys: Sequence[str]) -> list[Any]:
        """For each key the value that finds its node in a query; None if there is none."""
        ...

    def match(self, variable: str, value: str) -> str:
        """The clause that finds a node by such a value."""
        ...


@dataclass(frozen=True, slots=True)
class ByKey:
    """Nodes of WhyPath's own store, found by the index of their keys, which must exist."""

    label: str

    def of(self, keys: Sequence[str]) -> list[Any]:
        """The keys themselves: the query finds whether a node exists."""
        return list(keys)

    def match(self, variable: str, value: str) -> str:
        """See `Places.match`."""
        label = spelled(self.label)
        return f"MATCH ({variable}:{label} {{`key`: {value}}}) USING INDEX {variable}:{label}(`key`)"


@dataclass(frozen=True, slots=True)
class ResultNames:
    """Names of results in a database: properties of the two vectors, type of the recommendations."""

    vector: str = VECTOR
    query_vector: str = QUERY_VECTOR
    recommended: str = RECOMMENDED


OWN_NAMES = ResultNames()
"""The names in WhyPath's own store."""


def index_name(label: str) -> str:
    """Preferred name of the vector index of a label."""
    safe = re.sub(r"\W", "_", label)
    return f"{_INDEX_PREFIX}{safe}_vector"


def write_vectors(
    connection: Connection,
    vectors: Sequence[KindVectors],
    places: Mapping[str, Places],
    *,
    names: ResultNames = OWN_NAMES,
    turn: Turn = lambda _: None,
    progress: Callable[[int], None],
) -> ResultsReport:
    """See `TakesResults.write_vectors`; `places` by kind."""
    dimensions = max((kind_vectors.results.shape[1] for kind_vectors in vectors), default=0)
    if dimensions > MAX_DIMENSIONS:
        raise StoreError(
            f"{connection.address.url}: vectors of {dimensions:,} dimensions are too long; Neo4j indexes"
            f" {MAX_DIMENSIONS:,} at most"
        )
    # Kinds may share a label, and then have one index.
    labels = sorted({places[kind_vectors.kind].label for kind_vectors in vectors})
    for label in labels:
        _drop_index(connection, label, names)
    written = done = 0
    for kind_vectors in vectors:
        for start in range(0, len(kind_vectors.keys), _VECTORS_AT_ONCE):
            part = slice(start, start + _VECTORS_AT_ONCE)
            written += _write_part(connection, places[kind_vectors.kind], kind_vectors, part, names, turn)
            done += len(kind_vectors.keys[part])
            progress(done)
    for label in labels:
        _make_index(connection, label, dimensions, names)
    return ResultsReport(written, 0, done - written)


def _write_part(
    connection: Connection, places: Places, vectors: KindVectors, part: slice, names: ResultNames, turn: Turn
) -> int:
    nothing: list[bool] = np.isnan(vectors.queries[part, 0]).tolist()
    values = [
        [place, result, None if unknown else query]
        for place, result, query, unknown in zip(
            places.of(vectors.keys[part]),
            vectors.results[part].tolist(),
            vectors.queries[part].tolist(),
            nothing,
            strict=True,
        )
        if place is not None
    ]
    text = (
        f"UNWIND $rows AS row {places.match('n', 'row[0]')}"
        " CALL db.create.setNodeVectorProperty(n, $vector, row[1])"
        " CALL (n, row) {"
        " WITH n, row WHERE row[2] IS NOT NULL CALL db.create.setNodeVectorProperty(n, $query_vector, row[2])"
        " RETURN count(*) AS asked }"
        f" FOREACH (_ IN CASE WHEN asked = 0 THEN [1] ELSE [] END | REMOVE n.{spelled(names.query_vector)})"
        " RETURN count(DISTINCT n)"
    )

    def write(transaction: ManagedTransaction) -> int:
        turn(transaction)
        given = {"rows": values, "vector": names.vector, "query_vector": names.query_vector}
        return first(transaction, text, **given)[0]

    return connection.write(write) if values else 0


def _vector_indexes(transaction: ManagedTransaction, label: str, names: ResultNames) -> list[tuple[str, Any]]:
    """Name and dimensions of the indexes of a label's vectors."""
    records = rows(
        transaction,
        "SHOW INDEXES YIELD name, type, entityType, labelsOrTypes, properties, options"
        " WHERE type = 'VECTOR' AND entityType = 'NODE' AND labelsOrTypes = [$label] AND properties = [$property]"
        " RETURN name, options.indexConfig['vector.dimensions']",
        label=label,
        property=names.vector,
    )
    return [(name, dimensions) for name, dimensions in records]


def _drop_index(connection: Connection, label: str, names: ResultNames) -> None:
    for name, _ in connection.read(lambda transaction: _vector_indexes(transaction, label, names)):
        if name.startswith(_INDEX_PREFIX):
            text = f"DROP INDEX {spelled(name)} IF EXISTS"
            connection.write(lambda transaction, text=text: rows(transaction, text))


def _make_index(connection: Connection, label: str, dimensions: int, names: ResultNames) -> None:
    name = connection.read(lambda transaction: _free_name(transaction, index_name(label)))
    # Without quantization: its rounding is coarser than the differences between the best.
    text = (
        f"CREATE VECTOR INDEX {spelled(name)} IF NOT EXISTS FOR (n:{spelled(label)}) ON (n.{spelled(names.vector)})"
        f" OPTIONS {{ indexConfig: {{`vector.dimensions`: {dimensions}, `vector.similarity_function`: 'cosine',"
        " `vector.quantization.enabled`: false} }"
    )
    connection.write(lambda transaction: rows(transaction, text))
    for name, indexed_dimensions in connection.read(lambda transaction: _vector_indexes(transaction, label, names)):
        if indexed_dimensions not in (None, dimensions):
            raise StoreError(
                f"{connection.address.url}: the vectors of {label} are written, with {dimensions} dimensions, and not"
                f" indexed: the index {name!r}, which WhyPath has not made, takes {indexed_dimensions}. Drop it and"
                f" export again, or export with --dimensions {indexed_dimensions}"
            )
        await_ = {"name": name, "seconds": _WAIT_SECONDS}
        connection.read(
            lambda transaction, await_=await_: rows(transaction, "CALL db.awaitIndex($name, $seconds)", **await_),
            seconds=_WAIT_SECONDS,
        )


def _free_name(transaction: ManagedTransaction, wanted: str) -> str:
    """The name, with a number if the database already uses it."""
    taken = {name for (name,) in rows(transaction, "SHOW INDEXES YIELD name RETURN name")}
    taken |= {name for (name,) in rows(transaction, "SHOW CONSTRAINTS YIELD name RETURN name")}
    return free_name(wanted, taken)


def write_recommendations(
    connection: Connection,
    lists: Iterable[UserList],
    user: Places,
    items: Mapping[str, Places],
    *,
    bundle: str,
    time: float,
    names: ResultNames = OWN_NAMES,
    turn: Turn | None = None,
    progress: Callable[[int], None],
) -> ResultsReport:
    """See `TakesResults.write_recommendations`; `items` by kind. Without a `turn` the users' nodes are locked, so that
    of two simultaneous exports each user's list is from one."""
    type_ = spelled(names.recommended)
    match = f"UNWIND $users AS user {user.match('u', 'user')}"
    # Setting a label that the node has changes nothing, and takes the lock that every write to it takes.
    lock = f"{match} SET u:{spelled(user.label)} RETURN count(u)"
    old = f"{match} OPTIONAL MATCH (u)-[r:{type_}]->() DELETE r RETURN count(DISTINCT u)"
    new = {
        kind: (
            f"UNWIND $rows AS row {user.match('u', 'row[0]')} {places.match('i', 'row[1]')}"
            f" CREATE (u)-[:{type_} {{rank: row[2], score: row[3], bundle: $bundle, time: $time}}]->(i)"
            " RETURN count(*)"
        )
        for kind, places in items.items()
    }
    known = relationships = done = 0
    for part in _whole_users(lists):
        users = user.of([user_list.user for user_list in part])
        by_kind = _rows_by_kind(part, users, items)
        existing = sorted(place for place in users if place is not None)

        def write(
            transaction: ManagedTransaction,
            existing: list[Any] = existing,
            by_kind: dict[str, list[list[Any]]] = by_kind,
        ) -> tuple[int, int]:
            if turn is not None:
                turn(transaction)
            else:
                rows(transaction, lock, users=existing)
            known = first(transaction, old, users=existing)[0]
            made = [
                first(transaction, new[kind], rows=sorted(values), bundle=bundle, time=time)[0]
                for kind, values in sorted(by_kind.items())
            ]
            return known, sum(made)

        users_found, made = connection.write(write) if existing else (0, 0)
        known, relationships, done = known + users_found, relationships + made, done + len(part)
        progress(done)
    return ResultsReport(known, relationships, done - known)


def _rows_by_kind(
    part: Sequence[UserList], users: Sequence[Any], items: Mapping[str, Places]
) -> dict[str, list[list[Any]]]:
    """User, item, rank and score of each recommendation whose ends are known, by the kind of the item."""
    by_kind: dict[str, list[list[Any]]] = {}
    keys: dict[str, list[str]] = {}
    for user_list, place in zip(part, users, strict=True):
        if place is not None:
            for rank, ((kind, key), score) in enumerate(zip(user_list.items, user_list.scores, strict=True), start=1):
                keys.setdefault(kind, []).append(key)
                by_kind.setdefault(kind, []).append([place, None, rank, float(score)])
    for kind, values in by_kind.items():
        for row, item in zip(values, items[kind].of(keys[kind]), strict=True):
            row[1] = item
    return {kind: [row for row in values if row[1] is not None] for kind, values in by_kind.items()}


def _whole_users(lists: Iterable[UserList]) -> Iterator[list[UserList]]:
    """Users with about as many rows as a transaction takes."""
    part: list[UserList] = []
    size = 0
    for user_list in lists:
        part.append(user_list)
        size += max(len(user_list.items), 1)
        if size >= _ROWS_AT_ONCE:
            yield part
            part, size = [], 0
    if part:
        yield part
