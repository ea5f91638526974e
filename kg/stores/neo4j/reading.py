"""Reading a whole snapshot, in columns: pages of nodes by key, and of relationships by ranges of their heads' keys.

A page is one record with a list for each column, which Neo4j sends several times as fast as a record for each row.
Pages bound the memory that server and client need at once, and are asked for ahead: the server puts the next ones
together while this process takes one apart. Dense ids are given here, in the order of the keys; the
store's own `_id` serves only to find the ends of relationships without sending keys.

Neo4j reads what is committed at the moment, not a state of the past, so the counters are compared again at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kg.graph import KnowledgeGraph, NodeTable, Strings
from kg.graph.building import EventColumns, item_starts, node_table
from kg.schema import DomainSchema
from kg.stores.neo4j.connection import Connection, first
from kg.stores.neo4j.names import property_name
from kg.stores.neo4j.paging import asked_ahead
from kg.stores.neo4j.state import Counters, read_state
from kg.stores.snapshots import Moved

PAGE_ROWS = 20_000
"""Nodes, or about as many relationships, of one record."""

_AHEAD = 2
"""Pages asked for before they are needed."""


class SnapshotReader:
    """One attempt to read the last complete generation; raises Moved when it must be made again."""

    def __init__(self, connection: Connection, counters: Counters, schema: DomainSchema) -> None:
        self._connection = connection
        self._counters = counters
        self._names = counters.names
        self._schema = schema
        self._keys: dict[str, Strings] = {}
        self._local = np.full(counters.last_node + 1, -1, dtype=np.int32)
        self._ahead: ThreadPoolExecutor

    def read(self) -> KnowledgeGraph:
        """The snapshot with the events up to the counters' event generation."""
        with ThreadPoolExecutor(_AHEAD, thread_name_prefix="whypath-read") as self._ahead:
            return self._read()

    def _read(self) -> KnowledgeGraph:
        tables = {kind: self._nodes(kind) for kind in self._schema.nodes}
        edges = {name: self._edges(name) for name in self._schema.relation_kinds}
        events = {kind: self._events(kind, tables) for kind in self._schema.interactions}
        now, mark = self._connection.read(read_state)
        if (now.generation, now.last_load) != (self._counters.generation, self._counters.last_load) or mark is not None:
            raise Moved
        return KnowledgeGraph.build(
            self._schema,
            tables,
            edges,
            events,
            generation=self._counters.generation,
            event_generation=self._counters.event_generation,
        )

    def _one(self, text: str, **parameters: Any) -> list[Any]:
        return self._connection.read(lambda transaction: first(transaction, text, **parameters))

    def _pages(self, text: str, ranges: Iterable[Mapping[str, Any]]) -> Iterator[list[Any]]:
        """The record of a query for each of the parameters, in their order."""
        return asked_ahead(lambda each: self._ahead.submit(self._one, text, **each), ranges, _AHEAD)

    def _nodes(self, kind: str) -> NodeTable:
        """The table of a kind; notes the keys in the server's order and each node's row by its number."""
        label = self._names.label(kind)
        fields = sorted(self._schema.nodes[kind].fields)
        text = (
            f"MATCH (n:{label}) USING INDEX SEEK n:{label}(key) WHERE n.key > $after AND n._id <= $last"
            " WITH n ORDER BY n.key LIMIT $rows"
            " WITH collect(n) AS page RETURN [n IN page | n._id], [n IN page | n.key], [n IN page | n.name],"
            " [n IN page | coalesce(n.text, '')]"
            + "".join(f", [n IN page | n[$fields[{position}]]]" for position in range(len(fields)))
        )
        properties = [property_name(name) for name in fields]
        ids = [np.zeros(0, dtype=np.int64)]
        texts: list[list[Strings]] = [[], [], []]
        values: list[list[Any]] = [[] for _ in fields]
        after = ""
        while True:
            page = self._one(text, after=after, last=self._counters.last_node, rows=PAGE_ROWS, fields=properties)
            ids.append(np.array(page[0], dtype=np.int64))
            # A Python string takes several times the memory of one in a column.
            for parts, found in zip(texts, page[1:4], strict=True):
                parts.append(Strings.of(found))
            for column, found in zip(values, page[4:], strict=True):
                column.extend(found)
            if len(page[0]) < PAGE_ROWS:
                break
            after = page[1][-1]
        keys, names, long_texts = (Strings.concatenated(parts) for parts in texts)
        records = [dict(zip(fields, each, strict=True)) for each in zip(*values, strict=True)] or [{}] * len(keys)
        self._keys[kind] = keys
        self._local[np.concatenate(ids)[keys.order()]] = np.arange(len(keys), dtype=np.int32)
        return node_table(self._schema, kind, keys, names, long_texts, records)

    def _ranges(self, kind: str, total: int) -> Iterator[dict[str, Any]]:
        """First and last keys of nodes that have about a page of the `total` relationships between them."""
        keys = self._keys[kind]
        step = max(1, PAGE_ROWS * len(keys) // max(total, 1))
        for start in range(0, len(keys) if total else 0, step):
            yield {
                "first": keys[start],
                "last": keys[min(start + step, len(keys)) - 1],
                "upto": self._counters.last_node,
            }

    def _edges(self, name: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Local indices of heads and tails."""
        relation = self._schema.relation_kinds[name]
        head, tail = self._names.label(relation.head), self._names.label(relation.tail)
        spelling = self._names.relation(relation)
        total = self._one(f"MATCH (:{head})-[r:{spelling}]->() RETURN count(r)")[0]
        # From the end with more nodes: the other may have hubs, which would make a page of any size.
        from_heads = len(self._keys[relation.head]) >= len(self._keys[relation.tail])
        near, kind = ("h", relation.head) if from_heads else ("t", relation.tail)
        text = (
            f"MATCH (h:{head})-[:{spelling}]->(t:{tail}) USING INDEX SEEK {near}:{self._names.label(kind)}(key)"
            f" WHERE {near}.key >= $first AND {near}.key <= $last AND h._id <= $upto AND t._id <= $upto"
            " RETURN collect(h._id), collect(t._id)"
        )
        heads, tails = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        for page in self._pages(text, self._ranges(kind, total)):
            heads.append(np.array(page[0], dtype=np.int64))
            tails.append(np.array(page[1], dtype=np.int64))
        return self._local[np.concatenate(heads)], self._local[np.concatenate(tails)]

    def _events(self, kind: str, tables: dict[str, NodeTable]) -> EventColumns:
        """Events of one interaction, with dense item indices."""
        user_kind = self._schema.user_kinds[0]
        user, spelling = self._names.label(user_kind), self._names.interaction(kind)
        total = self._one(f"MATCH ()-[r:{spelling}]->() RETURN count(r)")[0]
        starts = item_starts(self._schema, tables)
        ids: list[Strings] = []
        users, items = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        times, weights = [np.zeros(0, dtype=np.float64)], [np.zeros(0, dtype=np.float64)]
        for item_kind in self._schema.interactions[kind].items:
            text = (
                f"MATCH (u:{user})-[r:{spelling}]->(i:{self._names.label(item_kind)}) USING INDEX SEEK u:{user}(key)"
                " WHERE u.key >= $first AND u.key <= $last AND u._id <= $upto AND i._id <= $upto"
                " AND coalesce(r._number, 0) <= $events"
                " RETURN collect(u._id), collect(i._id), collect(r.id), collect(coalesce(r.time, $nan)),"
                " collect(coalesce(r.weight, $nan))"
            )
            more = {"events": self._counters.event_generation, "nan": float("nan")}
            for page in self._pages(text, ({**each, **more} for each in self._ranges(user_kind, total))):
                users.append(self._local[np.array(page[0], dtype=np.int64)].astype(np.int64))
                items.append(starts[item_kind] + self._local[np.array(page[1], dtype=np.int64)].astype(np.int64))
                ids.append(Strings.of(page[2]))
                times.append(np.array(page[3], dtype=np.float64))
                weights.append(np.array(page[4], dtype=np.float64))
        return EventColumns(
            np.concatenate(users).astype(np.int32),
            np.concatenate(items).astype(np.int32),
            np.concatenate(weights),
            np.concatenate(times),
            Strings.concatenated(ids),
        )
