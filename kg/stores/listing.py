"""Paths between two nodes for a store that holds a snapshot: the search over its arrays."""

from __future__ import annotations

from kg.graph import KnowledgeGraph
from kg.paths import FoundPaths, PathSearch


def list_paths(
    graph: KnowledgeGraph,
    start: tuple[str, str],
    end: tuple[str, str],
    *,
    max_edges: int,
    limit: int,
    interactions: bool,
) -> FoundPaths:
    """See `GraphStore.paths`."""
    source, target = graph.node_id(*start), graph.node_id(*end)
    return PathSearch(graph, interactions=interactions).listed(source, target, max_edges=max_edges, limit=limit)
