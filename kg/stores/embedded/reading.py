"""Reading a whole snapshot out of the tables, in short transactions over bounded key ranges.

With the rollback journal a reader blocks commits, so no transaction reads more than some ten thousand rows; in each of
them the counters are compared, and the read begins again when a load or a deletion has come between.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from kg.graph import KnowledgeGraph, NodeTable, Strings
from kg.graph.building import EventColumns, item_starts, node_table
from kg.schema import DomainSchema
from kg.stores.embedded.rows import unpacked_id
from kg.stores.embedded.state import Counters, names, read_counters, read_mark
from kg.stores.snapshots import Moved
from kg.stores.sqlite import Database

_ROWS = 20_000
"""Rows read by one transaction: some 20 to 50 ms for which a writer may have to wait."""


class SnapshotReader:
    """One attempt to read the last complete generation; raises Moved when it must be made again."""

    def __init__(self, database: Database, counters: Counters, schema: DomainSchema) -> None:
        self._database = database
        self._counters = counters
        self._schema = schema

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._database.reading() as connection:
            now = read_counters(connection)
            expected = (self._counters.generation, self._counters.last_load)
            if (now.generation, now.last_load) != expected or read_mark(connection) is not None:
                raise Moved
            yield connection

    def read(self) -> KnowledgeGraph:
        """The snapshot with the events up to the counters' event generation."""
        with self._reading() as connection:
            numbers = names(connection)
            last_node = connection.execute("SELECT coalesce(max(id), 0) FROM node").fetchone()[0]
        local = np.full(last_node + 1, -1, dtype=np.int32)
        tables = self._nodes(numbers, last_node, local)
        edges: dict[str, tuple[NDArray[np.integer], NDArray[np.integer]]] = {}
        for relation in self._schema.relation_kinds:
            pairs = self._pairs(numbers[relation]) if relation in numbers else np.zeros((0, 2), dtype=np.int64)
            edges[relation] = local[pairs[:, 0]], local[pairs[:, 1]]
        return KnowledgeGraph.build(
            self._schema,
            tables,
            edges,
            self._events(numbers, tables, local),
            generation=self._counters.generation,
            event_generation=self._counters.event_generation,
        )

    def _nodes(self, numbers: dict[str, int], last: int, local: NDArray[np.int32]) -> dict[str, NodeTable]:
        """Tables by kind; fills `local` [last + 1] with each node's row in the table of its kind."""
        kinds = {numbers[kind]: kind for kind in self._schema.nodes if kind in numbers}
        columns: dict[str, tuple[list, ...]] = {kind: ([], [], [], [], []) for kind in kinds.values()}
        at = 0
        while True:
            with self._reading() as connection:
                rows = connection.execute(
                    "SELECT id, kind, key, label, text, fields FROM node WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
                    (at, last, _ROWS),
                ).fetchall()
            for node, kind, key, label, text, fields in rows:
                if kind in kinds:
                    ids, keys, labels, texts, values = columns[kinds[kind]]
                    ids.append(node)
                    keys.append(key)
                    labels.append(label)
                    texts.append(text)
                    values.append({} if fields == "{}" else json.loads(fields))
            if len(rows) < _ROWS:
                break
            at = rows[-1][0]
        tables: dict[str, NodeTable] = {}
        for kind, (ids, keys, labels, texts, values) in columns.items():
            tables[kind] = node_table(self._schema, kind, keys, labels, texts, values)
            by_key = np.asarray(ids, dtype=np.int64)[Strings.of(keys).order()]
            local[by_key] = np.arange(len(ids), dtype=np.int32)
        return {kind: tables.get(kind) or node_table(self._schema, kind, [], [], [], []) for kind in self._schema.nodes}

    def _pairs(self, relation: int) -> NDArray[np.int64]:
        """Node ids of heads and tails of one relation, int64 [n_edges, 2]."""
        parts = [np.zeros((0, 2), dtype=np.int64)]
        at = (-1, -1)
        while True:
            with self._reading() as connection:
                rows = connection.execute(
                    "SELECT head, tail FROM edge WHERE relation = ? AND (head, tail) > (?, ?)"
                    " ORDER BY head, tail LIMIT ?",
                    (relation, *at, _ROWS),
                ).fetchall()
            if rows:
                parts.append(np.array(rows, dtype=np.int64))
                at = rows[-1]
            if len(rows) < _ROWS:
                return np.concatenate(parts)

    def _events(
        self, numbers: dict[str, int], tables: dict[str, NodeTable], local: NDArray[np.int32]
    ) -> dict[str, EventColumns]:
        """Events by interaction kind, with dense item indices."""
        kinds = [kind for kind in self._schema.interactions if kind in numbers]
        starts = item_starts(self._schema, tables)
        start_of_kind = {numbers[kind]: start for kind, start in starts.items() if kind in numbers}
        codes, users, items = ([np.zeros(0, dtype=np.int64)] for _ in range(3))
        times, weights = ([np.zeros(0, dtype=np.float64)] for _ in range(2))
        ids: list[str] = []
        at = 0
        while True:
            with self._reading() as connection:
                rows = connection.execute(
                    "SELECT event.number, event.id, event.kind, event.user, node.kind, event.item, event.time,"
                    " event.weight FROM event JOIN node ON node.id = event.item"
                    " WHERE event.number > ? AND event.number <= ? ORDER BY event.number LIMIT ?",
                    (at, self._counters.event_generation, _ROWS),
                ).fetchall()
            if rows:
                _, packed, kind, user, item_kind, item, time, weight = zip(*rows, strict=True)
                ids.extend(map(unpacked_id, packed))
                codes.append(np.array(kind, dtype=np.int64))
                users.append(local[np.array(user, dtype=np.int64)].astype(np.int64))
                first = np.array([start_of_kind[number] for number in item_kind], dtype=np.int64)
                items.append(first + local[np.array(item, dtype=np.int64)])
                times.append(np.array(time, dtype=np.float64))
                weights.append(np.array(weight, dtype=np.float64))
                at = rows[-1][0]
            if len(rows) < _ROWS:
                break
        code, everyone = np.concatenate(codes), Strings.of(ids)
        result: dict[str, EventColumns] = {}
        for kind in kinds:
            chosen = np.flatnonzero(code == numbers[kind])
            result[kind] = EventColumns(
                np.concatenate(users)[chosen].astype(np.int32),
                np.concatenate(items)[chosen].astype(np.int32),
                np.concatenate(weights)[chosen],
                np.concatenate(times)[chosen],
                everyone.take(chosen),
            )
        return result
