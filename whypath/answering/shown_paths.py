"""Choose the paths of the graph that an explanation shows: few, short, informative, one per entity on the way.

Two films share some hundred entities (decade, language, country), so the paths of two edges are ranked: a history item
that adds much to the score counts more; an entity that many items share counts less, and so does one of many facts of
its sort (one of forty actors against the director). Longer paths are searched only if nothing is shared. Hidden
relations and users are never on a path.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kg.graph import KnowledgeGraph
from kg.paths import Adjacency, Path, PathSearch
from whypath.answering.results import ShownPath

LONGEST_SHOWN = 4
"""Edges of the longest path searched for if nothing is shared directly."""


def paths_for(
    graph: KnowledgeGraph,
    search: PathSearch,
    history: NDArray[np.int32],
    shares: NDArray[np.float32],
    item: int,
    limit: int,
    user: str | None = None,
    disliked: NDArray[np.bool_] | None = None,
) -> tuple[ShownPath, ...]:
    """Find at most `limit` labelled paths from items of a history to an item.

    search: over the graph's relations, without interactions and hidden relations. shares: those of each history item
    in the score, [len(history)]. user: the history's user, if any: each path begins with the user's act. disliked:
    which items of the history count against others, [len(history)].
    """
    if not len(history):
        return ()
    found = _through_shared(search, history, shares, item, limit)
    if not found:
        by_share = history[np.argsort(-shares, kind="stable")]
        found = list(search.from_history(by_share, item, max_edges=LONGEST_SHOWN, limit=limit, simple=True))
    against = frozenset[int]() if disliked is None else frozenset(history[disliked].tolist())
    did, usual = _deeds(graph, user, against), _usual_deed(graph)
    return tuple(_shown(path, did.get(path.node_ids[0], usual)) for path in found)


def _through_shared(
    search: PathSearch, history: NDArray[np.int32], shares: NDArray[np.float32], item: int, limit: int
) -> list[Path]:
    ends = search.shared(history, item)
    if not len(ends):
        return []
    sharers = np.diff(search.adjacency.indptr)[ends.nodes]
    near = _facts_of_sort(search.adjacency, history)[ends.positions, ends.codes_in]
    # From the shared entity, the item's edge has the other direction.
    far = _facts_of_sort(search.adjacency, np.array([item]))[0, ends.codes_out ^ 1]
    # A history item with a negative share can still be on a path, after all with a positive one.
    weights = np.maximum(shares[ends.positions], 1e-6) / np.sqrt(np.maximum(sharers * np.sqrt(near * far), 1))
    found: list[Path] = []
    seen: set[int] = set()
    for at in np.argsort(-weights, kind="stable").tolist():
        node = int(ends.nodes[at])
        if node in seen:
            continue
        seen.add(node)
        nodes = [int(history[ends.positions[at]]), node, item]
        found.append(search.path(nodes, [int(ends.codes_in[at]), int(ends.codes_out[at])]))
        if len(found) == limit:
            break
    return found


def _facts_of_sort(adjacency: Adjacency, nodes: NDArray[np.integer]) -> NDArray[np.float64]:
    """The number of edges of each sort (step code) of each node, [n_nodes, n_codes]."""
    positions, owner = adjacency.rows(nodes)
    n_codes = 2 * len(adjacency.kinds)
    cells = owner * n_codes + adjacency.codes[positions]
    return np.bincount(cells, minlength=len(nodes) * n_codes).reshape(len(nodes), n_codes).astype(np.float64)


def _deeds(graph: KnowledgeGraph, user: str | None, disliked: frozenset[int]) -> dict[int, str]:
    """A user's act on each item, in the description's words; of several events that decide, that of the first kind."""
    deeds: dict[int, str] = {}
    for table in graph.events_of(user) if user is not None else ():
        interaction = graph.schema.interactions[table.kind]
        negative = interaction.is_negative(table.weights)
        for item, is_like, is_dislike in zip(
            table.items.tolist(), table.positive.tolist(), negative.tolist(), strict=True
        ):
            if is_dislike if item in disliked else is_like:
                deeds.setdefault(item, interaction.negative_label if is_dislike else interaction.label)
    return deeds


def _usual_deed(graph: KnowledgeGraph) -> str:
    """The act of a history without a user: the words of the events that can be positive, if they agree."""
    kinds = [kind for kind in graph.schema.interactions.values() if kind.positive.always is not False]
    labels = {kind.label for kind in kinds}
    return labels.pop() if len(labels) == 1 else "chose"


def _shown(path: Path, deed: str) -> ShownPath:
    return ShownPath(
        text=f"you {deed} {path}",
        nodes=tuple((node.kind, node.key, node.label) for node in path.nodes),
        relations=path.relations,
    )
