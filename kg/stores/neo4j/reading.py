"""Read a whole snapshot in columns: pages of nodes by key, and of relationships by ranges of keys at one end.

A page is one record with a list for each column, which Neo4j sends several times as fast as a record for each row.
Pages bound the memory of server and client, and are requested ahead: the server prepares the next ones while this
process parses one. Dense ids are assigned here, in the order of the keys; the store's own `_id` serves only to find the
ends of relationships without sending keys.

For a small graph, a server that has just been started spends more on planning queries than on their rows. So relations
that leave from, or arrive at, nodes of the same kind are read together, which also looks those nodes up once.

Neo4j reads what is committed at the moment, not a past state, so the counters are compared again at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from kg.graph import KnowledgeGraph, NodeTable, Strings
from kg.graph.building import item_starts, node_table
from kg.schema import DomainSchema, RelationKind
from kg.stores.neo4j.answers import damaged, node_numbers, texts, values_of_field
from kg.stores.neo4j.connection import Connection, first, rows
from kg.stores.neo4j.names import property_name
from kg.stores.neo4j.paging import asked_ahead
from kg.stores.neo4j.relationships import Edges, Ends, Events, Part
from kg.stores.neo4j.state import Counters, read_state
from kg.stores.snapshots import Moved

PAGE_ROWS = 20_000
"""Nodes, or about as many relationships, per record."""

_AHEAD = 2
"""Pages requested before they are needed."""


class SnapshotReader:
    """One attempt to read the last complete generation; raises Moved if it must be repeated."""

    def __init__(self, connection: Connection, counters: Counters, schema: DomainSchema) -> None:
        self._connection = connection
        self._counters = counters
        self._names = counters.names
        self._schema = schema
        self._ends = Ends(schema, counters.last_node)
        self._keys: dict[str, Strings] = {}
        self._ahead: ThreadPoolExecutor

    def read(self) -> KnowledgeGraph:
        """The snapshot with the events up to the counters' event generation."""
        with (
            damaged(self._connection.address.url),
            ThreadPoolExecutor(_AHEAD, thread_name_prefix="whypath-read") as self._ahead,
        ):
            return self._read()

    def _read(self) -> KnowledgeGraph:
        kinds = list(self._schema.nodes)
        pages = asked_ahead(self._page, kinds, 1)
        tables = {kind: self._nodes(kind, page) for kind, page in zip(kinds, pages, strict=True)}
        edges = self._edges()
        starts = item_starts(self._schema, tables)
        events = [Events(self._ends, self._names, self._schema, kind, starts) for kind in self._schema.interactions]
        self._relationships([*edges, *events])
        now, mark = self._connection.read(read_state)
        if (now.generation, now.last_load) != (self._counters.generation, self._counters.last_load) or mark is not None:
            raise Moved
        return KnowledgeGraph.build(
            self._schema,
            tables,
            {name: pairs for group in edges for name, pairs in group.columns().items()},
            {kind_events.kind: kind_events.columns() for kind_events in events},
            generation=self._counters.generation,
            event_generation=self._counters.event_generation,
        )

    def _one(self, text: str, **parameters: Any) -> list[Any]:
        return self._connection.read(lambda transaction: first(transaction, text, **parameters))

    def _page(self, kind: str, after: str = "") -> Future[list[Any]]:
        """Columns of the next nodes of a kind by key: number, key, name, text, and the fields by name."""
        label = self._names.label(kind)
        fields = [property_name(name) for name in sorted(self._schema.nodes[kind].fields)]
        text = (
            f"MATCH (n:{label}) USING INDEX SEEK n:{label}(key) WHERE n.key > $after AND n._id <= $last"
            " WITH n ORDER BY n.key LIMIT $rows"
            " WITH collect(n) AS page RETURN [n IN page | n._id], [n IN page | n.key], [n IN page | n.name],"
            " [n IN page | coalesce(n.text, '')]"
            + "".join(f", [n IN page | n[$fields[{position}]]]" for position in range(len(fields)))
        )
        last = self._counters.last_node
        return self._ahead.submit(self._one, text, after=after, last=last, rows=PAGE_ROWS, fields=fields)

    def _nodes(self, kind: str, page: list[Any]) -> NodeTable:
        """The table of a kind, starting from its first page; notes the keys in the server's order and each node's row
        by its number."""
        fields = sorted(self._schema.nodes[kind].fields)
        ids = [np.zeros(0, dtype=np.int64)]
        columns: list[list[Strings]] = [[], [], []]
        values: list[list[Any]] = [[] for _ in fields]
        while True:
            following = self._page(kind, page[1][-1]) if len(page[0]) >= PAGE_ROWS else None
            ids.append(node_numbers(page[0], self._counters.last_node))
            # A Python string takes several times the memory of one in a column.
            for parts, cells, name in zip(columns, page[1:4], ("key", "name", "text"), strict=True):
                parts.append(Strings.of(texts(cells, f"the {name} of a {kind}")))
            for column, cells, name in zip(values, page[4:], fields, strict=True):
                column.extend(values_of_field(cells, f"the {name} of a {kind}"))
            if following is None:
                break
            page = following.result()
        keys, names, long_texts = (Strings.concatenated(parts) for parts in columns)
        records = [dict(zip(fields, record, strict=True)) for record in zip(*values, strict=True)] or [{}] * len(keys)
        self._keys[kind] = keys
        self._ends.note(kind, np.concatenate(ids)[keys.order()])
        return node_table(self._schema, kind, keys, names, long_texts, records)

    def _edges(self) -> list[Edges]:
        """All relations, grouped by the kind that they are read from: the kind at the end with more nodes, since the
        other may have hubs, whose pages would be unbounded."""
        groups: dict[tuple[str, bool], list[RelationKind]] = {}
        for relation in self._schema.relation_kinds.values():
            from_heads = len(self._keys[relation.head]) >= len(self._keys[relation.tail])
            groups.setdefault((relation.head if from_heads else relation.tail, from_heads), []).append(relation)
        return [
            Edges(self._ends, self._names, kind, relations, from_heads=from_heads)
            for (kind, from_heads), relations in groups.items()
        ]

    def _relationships(self, parts: list[Part]) -> None:
        """Read all pages of all parts in one stream: while one part's last page is parsed, the server plans the query
        of the next."""
        if not parts:
            return
        # Counts without other conditions do not read the relationships.
        counts = (f"CALL () {{ MATCH {part.counted} RETURN count(r) AS c{at} }}" for at, part in enumerate(parts))
        totals = self._one(f"{' '.join(counts)} RETURN {', '.join(f'c{at}' for at in range(len(parts)))}")
        always = {
            "upto": self._counters.last_node,
            "events": self._counters.event_generation,
            "nan": float("nan"),
        }
        questions = (
            (part, bounds) for part, total in zip(parts, totals, strict=True) for bounds in self._ranges(part, total)
        )

        def answer(part: Part, bounds: Mapping[str, str]) -> tuple[Part, list[list[Any]]]:
            return part, self._connection.read(lambda transaction: rows(transaction, part.text, **bounds, **always))

        for part, page in asked_ahead(lambda question: self._ahead.submit(answer, *question), questions, _AHEAD):
            part.take(page)

    def _ranges(self, part: Part, total: int) -> Iterator[dict[str, str]]:
        """First and last keys of nodes that have about a page of the `total` relationships between them."""
        keys = self._keys[part.near]
        step = max(1, PAGE_ROWS * len(keys) // max(total, 1))
        for start in range(0, len(keys) if total else 0, step):
            yield {"first": keys[start], "last": keys[min(start + step, len(keys)) - 1]}
