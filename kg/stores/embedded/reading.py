"""Read a whole snapshot from the tables, in short transactions over bounded key ranges.

With the rollback journal a reader blocks commits, so no transaction reads more than some ten thousand rows; each of
them compares the counters, and the read starts again if a load or a deletion intervened.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from kg.graph import KnowledgeGraph, NodeTable, Strings
from kg.graph.building import EventColumns, item_starts, node_table
from kg.schema import DomainSchema
from kg.stores.embedded.places import Places
from kg.stores.embedded.rows import EVENT_CONTENT, NODE_ID, unpacked_fields, unpacked_id
from kg.stores.embedded.state import Counters, names_of, read_counters, read_mark
from kg.stores.snapshots import Moved
from kg.stores.sqlite import DamagedContent, Database, blob, check_order, checked, integer, text

_ROWS = 20_000
"""Rows read per transaction: a writer may have to wait some 20 to 50 ms for it."""

_FIRST = -(2**63)
"""Below all numbers of SQLite, so that an invalid negative number is noticed."""

_NODE = (NODE_ID, integer("node.kind"), text("node.key"), text("node.label"), text("node.text"), text("node.fields"))


class SnapshotReader:
    """One attempt to read the last complete generation; raises Moved if it must be repeated."""

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
        """The snapshot with the events up to the counters' event generation. Raises Moved and StoreDamaged."""
        with self._reading() as connection:
            numbers = names_of(connection, self._schema)
            self._check_relations(connection, numbers)
            # Users that are added during the read belong to events that are not read.
            last = checked(connection.execute("SELECT coalesce(max(id), 0) FROM node"), NODE_ID)[0][0]
        tables, places = self._nodes(numbers, last)
        edges = {
            relation: self._ends(numbers[relation], places[spec.head], places[spec.tail])
            for relation, spec in self._schema.relation_kinds.items()
        }
        return KnowledgeGraph.build(
            self._schema,
            tables,
            edges,
            self._events(numbers, tables, places),
            generation=self._counters.generation,
            event_generation=self._counters.event_generation,
        )

    def _check_relations(self, connection: sqlite3.Connection, numbers: dict[str, int]) -> None:
        """Raise DamagedContent for edges of unknown relations, which no query for a relation would find."""
        known = {numbers[relation] for relation in self._schema.relation_kinds}
        at = _FIRST
        while True:
            query = "SELECT relation FROM edge WHERE relation > ? ORDER BY relation LIMIT 1"
            smallest = checked(connection.execute(query, (at,)), integer("edge.relation"))
            if not smallest:
                return
            if smallest[0][0] not in known or smallest[0][0] <= at:
                raise DamagedContent("edge.relation holds a number that is no relation of the domain")
            at = smallest[0][0]

    def _nodes(self, numbers: dict[str, int], last: int) -> tuple[dict[str, NodeTable], dict[str, Places]]:
        """Tables by kind, and the place of each node in the table of its kind."""
        kinds = {numbers[kind]: kind for kind in self._schema.nodes}
        columns: dict[str, tuple[list, ...]] = {kind: ([], [], [], [], []) for kind in self._schema.nodes}
        at = _FIRST
        while True:
            with self._reading() as connection:
                rows = checked(
                    connection.execute(
                        "SELECT id, kind, key, label, text, fields FROM node WHERE id > ? AND id <= ?"
                        " ORDER BY id LIMIT ?",
                        (at, last, _ROWS),
                    ),
                    *_NODE,
                )
                check_order([row[0] for row in rows], at, "node.id")
                for node, kind, key, label, description, fields in rows:
                    if kind not in kinds or not key:
                        raise DamagedContent("a node has a kind that the domain does not have, or no key")
                    ids, keys, labels, texts, values = columns[kinds[kind]]
                    ids.append(node)
                    keys.append(key)
                    labels.append(label)
                    texts.append(description)
                    values.append(unpacked_fields(fields))
            if len(rows) < _ROWS:
                break
            at = rows[-1][0]
        tables: dict[str, NodeTable] = {}
        places: dict[str, Places] = {}
        for kind, (ids, keys, labels, texts, values) in columns.items():
            if len(set(keys)) < len(keys):
                raise self._database.damaged(f"two nodes of kind {kind!r} have the same key")
            tables[kind] = node_table(self._schema, kind, keys, labels, texts, values)
            rows_of = np.empty(len(ids), dtype=np.int64)
            rows_of[Strings.of(keys).order()] = np.arange(len(ids))
            places[kind] = Places(np.asarray(ids, dtype=np.int64), rows_of)
        return tables, places

    def _ends(self, relation: int, heads: Places, tails: Places) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Local heads and tails of one relation, int64 [n_edges] each."""
        parts = [np.zeros((0, 2), dtype=np.int64)]
        at = (_FIRST, _FIRST)
        while True:
            with self._reading() as connection:
                rows = checked(
                    connection.execute(
                        "SELECT head, tail FROM edge WHERE relation = ? AND (head, tail) > (?, ?)"
                        " ORDER BY head, tail LIMIT ?",
                        (relation, *at, _ROWS),
                    ),
                    integer("edge.head"),
                    integer("edge.tail"),
                )
                check_order(rows, at, "edge.head, edge.tail")
                pairs = np.array(rows, dtype=np.int64).reshape(-1, 2)
                ends = heads.of(pairs[:, 0], "head of an edge"), tails.of(pairs[:, 1], "tail of an edge")
            parts.append(np.stack(ends, axis=1))
            if len(rows) < _ROWS:
                both = np.concatenate(parts)
                return both[:, 0], both[:, 1]
            at = rows[-1]

    def _events(
        self, numbers: dict[str, int], tables: dict[str, NodeTable], places: dict[str, Places]
    ) -> dict[str, EventColumns]:
        """Events by interaction kind, with dense item indices."""
        starts = item_starts(self._schema, tables)
        users_at = places[self._schema.user_kinds[0]]
        items_at = {
            numbers[kind]: Places.joined([(places[item], starts[item]) for item in spec.items])
            for kind, spec in self._schema.interactions.items()
        }
        codes, users, items = ([np.zeros(0, dtype=np.int64)] for _ in range(3))
        times, weights = ([np.zeros(0, dtype=np.float64)] for _ in range(2))
        ids: list[str] = []
        at = _FIRST
        while True:
            with self._reading() as connection:
                rows = checked(
                    connection.execute(
                        "SELECT number, id, kind, user, item, time, weight FROM event"
                        " WHERE number > ? AND number <= ? ORDER BY number LIMIT ?",
                        (at, self._counters.event_generation, _ROWS),
                    ),
                    integer("event.number"),
                    blob("event.id"),
                    *EVENT_CONTENT,
                )
                if rows:
                    order, packed, kind, user, item, time, weight = zip(*rows, strict=True)
                    check_order(order, at, "event.number")
                    ids.extend(map(unpacked_id, packed))
                    code, of_item = np.array(kind, dtype=np.int64), np.array(item, dtype=np.int64)
                    dense = np.zeros(len(rows), dtype=np.int64)
                    for number in np.unique(code).tolist():
                        if number not in items_at:
                            raise DamagedContent("event.kind holds a number that is no interaction of the domain")
                        chosen = code == number
                        dense[chosen] = items_at[number].of(of_item[chosen], "item of an event")
                    codes.append(code)
                    users.append(users_at.of(np.array(user, dtype=np.int64), "user of an event"))
                    items.append(dense)
                    times.append(np.array(time, dtype=np.float64))
                    weights.append(np.array(weight, dtype=np.float64))
            if len(rows) < _ROWS:
                break
            at = rows[-1][0]
        code, everyone = np.concatenate(codes), Strings.of(ids)
        result: dict[str, EventColumns] = {}
        for kind in self._schema.interactions:
            chosen = np.flatnonzero(code == numbers[kind])
            result[kind] = EventColumns(
                np.concatenate(users)[chosen].astype(np.int32),
                np.concatenate(items)[chosen].astype(np.int32),
                np.concatenate(weights)[chosen],
                np.concatenate(times)[chosen],
                everyone.take(chosen),
            )
        return result
