"""`list_paths`: the paths between two nodes of a snapshot that are named by kind and key."""

from __future__ import annotations

from kg.graph import KnowledgeGraph
from kg.paths.path import FoundPaths
from kg.paths.search import PathSearch


def list_paths(
    graph: KnowledgeGraph,
    start: tuple[str, str],
    end: tuple[str, str],
    *,
    max_edges: int = 4,
    limit: int = 10,
    interactions: bool = False,
) -> FoundPaths:
    """Labelled paths between two nodes, each given as (kind, key), over the relations that are not hidden and with
    `interactions` also over positive events; in the order of `PathSearch.listed`, no node twice.

    Bounded in length, number and work: `complete` is False where there may be more. Raises UnknownNode, and
    WhyPathError for more edges than are ever searched for.
    """
    source, target = graph.node_id(*start), graph.node_id(*end)
    return PathSearch(graph, interactions=interactions).listed(source, target, max_edges=max_edges, limit=limit)
