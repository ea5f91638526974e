"""Vectors and recommendations in the database, for whoever asks in Cypher: native vector indexes, and relationships.

Everything here takes spellings, so that it serves a graph of any shape. Labels, types and properties are given quoted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from neo4j import ManagedTransaction

from kg.stores.errors import StoreError
from kg.stores.neo4j.connection import Connection, first, rows
from kg.stores.neo4j.names import QUERY_VECTOR, RECOMMENDED, VECTOR, quoted
from kg.stores.results import KindVectors, ResultsReport, UserList

MAX_DIMENSIONS = 4_096
"""Of a vector index."""

_VECTORS_AT_ONCE = 500
"""Items of one transaction: some 2 MB at 256 dimensions."""

_ROWS_AT_ONCE = 5_000
"""Recommendations of one transaction, about: it has whole users."""

_WAIT_SECONDS = 600

Turn: TypeAlias = Callable[[ManagedTransaction], object]
"""Called first in every transaction that writes, so that writers follow one another."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """How nodes of a kind are found: by a property `key` under a label. `indexed`: name the index of the property,
    which must then be there.
    """

    label: str
    key: str = "`key`"
    indexed: bool = True

    def match(self, variable: str, value: str) -> str:
        """The clause that finds a node."""
        hint = f" USING INDEX {variable}:{self.label}({self.key})" if self.indexed else ""
        return f"MATCH ({variable}:{self.label} {{{self.key}: {value}}}){hint}"


def index_name(label: str) -> str:
    """Name of the vector index of a label, both without quotes."""
    return f"whypath_{label}_{VECTOR}"


def write_vectors(
    connection: Connection,
    vectors: Sequence[KindVectors],
    spellings: Mapping[str, Spelling],
    *,
    turn: Turn,
    progress: Callable[[int], None],
) -> ResultsReport:
    """See `TakesResults.write_vectors`; `spellings` by kind."""
    dimensions = max((each.results.shape[1] for each in vectors), default=0)
    if dimensions > MAX_DIMENSIONS:
        raise StoreError(
            f"{connection.address.url}: vectors of {dimensions:,} dimensions are too long; Neo4j indexes"
            f" {MAX_DIMENSIONS:,} at most"
        )
    for each in vectors:
        _drop_index(connection, spellings[each.kind].label)
    written = done = 0
    for each in vectors:
        for start in range(0, len(each.keys), _VECTORS_AT_ONCE):
            part = slice(start, start + _VECTORS_AT_ONCE)
            written += _write_part(connection, spellings[each.kind], each, part, turn)
            done += len(each.keys[part])
            progress(done)
    for each in vectors:
        _make_index(connection, spellings[each.kind].label, each.results.shape[1])
    return ResultsReport(written, 0, done - written)


def _write_part(connection: Connection, spelling: Spelling, vectors: KindVectors, part: slice, turn: Turn) -> int:
    nothing: list[bool] = np.isnan(vectors.queries[part, 0]).tolist()
    values = [
        [key, result, None if unknown else query]
        for key, result, query, unknown in zip(
            vectors.keys[part],
            vectors.results[part].tolist(),
            vectors.queries[part].tolist(),
            nothing,
            strict=True,
        )
    ]
    text = (
        f"UNWIND $rows AS row {spelling.match('n', 'row[0]')}"
        f" CALL db.create.setNodeVectorProperty(n, '{VECTOR}', row[1])"
        " CALL (n, row) {"
        f" WITH n, row WHERE row[2] IS NOT NULL CALL db.create.setNodeVectorProperty(n, '{QUERY_VECTOR}', row[2])"
        " RETURN count(*) AS asked }"
        f" FOREACH (_ IN CASE WHEN asked = 0 THEN [1] ELSE [] END | REMOVE n.{quoted(QUERY_VECTOR)})"
        " RETURN count(DISTINCT n)"
    )

    def write(transaction: ManagedTransaction) -> int:
        turn(transaction)
        return first(transaction, text, rows=values)[0]

    return connection.write(write)


def _vector_indexes(transaction: ManagedTransaction, label: str) -> list[str]:
    found = rows(
        transaction,
        "SHOW INDEXES YIELD name, type, entityType, labelsOrTypes, properties"
        " WHERE type = 'VECTOR' AND entityType = 'NODE' AND labelsOrTypes = [$label] AND properties = [$property]"
        " RETURN name",
        label=label.strip("`"),
        property=VECTOR,
    )
    return [name for (name,) in found]


def _drop_index(connection: Connection, label: str) -> None:
    for name in connection.read(lambda transaction: _vector_indexes(transaction, label)):
        text = f"DROP INDEX {quoted(name)} IF EXISTS"
        connection.write(lambda transaction, text=text: rows(transaction, text))


def _make_index(connection: Connection, label: str, dimensions: int) -> None:
    name = index_name(label.strip("`"))
    # Without quantization: its rounding is coarser than what tells the best apart.
    text = (
        f"CREATE VECTOR INDEX {quoted(name)} IF NOT EXISTS FOR (n:{label}) ON (n.{quoted(VECTOR)}) OPTIONS {{"
        f" indexConfig: {{`vector.dimensions`: {dimensions}, `vector.similarity_function`: 'cosine',"
        " `vector.quantization.enabled`: false} }"
    )
    connection.write(lambda transaction: rows(transaction, text))
    connection.read(
        lambda transaction: rows(transaction, "CALL db.awaitIndex($name, $seconds)", name=name, seconds=_WAIT_SECONDS),
        seconds=_WAIT_SECONDS,
    )


def write_recommendations(
    connection: Connection,
    lists: Iterable[UserList],
    user: Spelling,
    items: Mapping[str, Spelling],
    *,
    bundle: str,
    time: float,
    turn: Turn,
    progress: Callable[[int], None],
) -> ResultsReport:
    """See `TakesResults.write_recommendations`; `items` are spellings by kind."""
    type_ = quoted(RECOMMENDED)
    old = f"UNWIND $users AS user {user.match('u', 'user')} OPTIONAL MATCH (u)-[r:{type_}]->() DELETE r"
    new = {
        kind: (
            f"UNWIND $rows AS row {user.match('u', 'row[0]')} {spelling.match('i', 'row[1]')}"
            f" CREATE (u)-[:{type_} {{rank: row[2], score: row[3], bundle: $bundle, time: $time}}]->(i)"
            " RETURN count(*)"
        )
        for kind, spelling in items.items()
    }
    known = relationships = done = 0
    for part in _whole_users(lists):
        by_kind: dict[str, list[list[object]]] = {}
        for found in part:
            for rank, ((kind, key), score) in enumerate(zip(found.items, found.scores, strict=True), start=1):
                by_kind.setdefault(kind, []).append([found.user, key, rank, float(score)])

        def write(
            transaction: ManagedTransaction,
            part: Sequence[UserList] = part,
            by_kind: dict[str, list[list[object]]] = by_kind,
        ) -> tuple[int, int]:
            turn(transaction)
            users = first(transaction, f"{old} RETURN count(DISTINCT u)", users=[found.user for found in part])[0]
            made = [
                first(transaction, new[kind], rows=sorted(values), bundle=bundle, time=time)[0]
                for kind, values in sorted(by_kind.items())
            ]
            return users, sum(made)

        users, made = connection.write(write)
        known, relationships, done = known + users, relationships + made, done + len(part)
        progress(done)
    return ResultsReport(known, relationships, done - known)


def _whole_users(lists: Iterable[UserList]) -> Iterator[list[UserList]]:
    """Users of about as many rows as a transaction takes."""
    part: list[UserList] = []
    size = 0
    for found in lists:
        part.append(found)
        size += max(len(found.items), 1)
        if size >= _ROWS_AT_ONCE:
            yield part
            part, size = [], 0
    if part:
        yield part
