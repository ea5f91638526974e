"""Looking around in a graph view: neighbours and counts, from the snapshot, so in the keys of the domain."""

from __future__ import annotations

from collections.abc import Sequence

from kg.graph import KnowledgeGraph, UnknownNode
from kg.stores.protocol import Neighbour, StoreCounts


def neighbours_of(graph: KnowledgeGraph, kind: str, key: str, limit: int) -> Sequence[Neighbour]:
    """See `GraphStore.neighbours`."""
    if kind not in graph.schema.nodes:
        raise UnknownNode(f"there is no node kind {kind!r}; the kinds are {', '.join(sorted(graph.schema.nodes))}")
    row = graph.nodes(kind).keys.find(key)
    if row < 0:
        raise UnknownNode(f"there is no {kind} {key!r} in the graph")
    found: list[Neighbour] = []
    for relation in graph.relations:
        for forward, own, other, table in (
            (True, relation.head_kind, relation.tail_kind, relation.forward),
            (False, relation.tail_kind, relation.head_kind, relation.backward),
        ):
            if own == kind:
                nodes = graph.nodes(other)
                # Rows are in the order of the keys.
                rows = table.row(row)[: max(limit - len(found), 0)].tolist()
                found += [Neighbour(relation.name, forward, other, nodes.keys[at], nodes.labels[at]) for at in rows]
    if kind in graph.schema.user_kinds:
        for table in graph.events:
            items = sorted({graph.node_of(item) for item in set(table.items[table.of_user(row)].tolist())},
                           key=lambda node: (node[1], node[0]))  # fmt: skip
            found += [Neighbour(table.kind, True, *node) for node in items[: max(limit - len(found), 0)]]
    return found


def counts_of_snapshot(graph: KnowledgeGraph, dangling: int) -> StoreCounts:
    """See `GraphStore.counts`."""
    return StoreCounts(
        {kind: len(graph.nodes(kind)) for kind in sorted(graph.kinds)},
        {relation.name: len(relation) for relation in graph.relations},
        {table.kind: len(table) for table in graph.events},
        dangling,
    )
