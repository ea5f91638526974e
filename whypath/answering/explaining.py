"""Explain an item's score for a history: the score's exact split in readable names, and the paths behind it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kg.graph import KnowledgeGraph
from kg.histories import Histories
from whypath.answering.results import Basis, BlockShare, EntityShare, Explanation, HistoryShare
from whypath.answering.scoring import Scorer
from whypath.answering.shown_paths import paths_for

POPULARITY = "popularity"
"""Name of the part of a score that is the popularity blend."""

BIAS = "bias"
"""Name of the part of a score that an item has for all users."""


def explain_score(scorer: Scorer, user: str | None, history: Histories, item: int, limit: int) -> Explanation:
    """Split the item's score for one user's history, and find at most `limit` paths from it to the item.

    The score is that of lists: an item of the history, which lists with repeats show, counts for its own score.
    A user without an event has a popularity score, which has no split and no path; dislikes alone count against it.
    """
    graph = scorer.graph
    items, disliked = history.known().indices, history.is_disliked()
    if not len(items):
        popularity = float(scorer.popularity[item])
        return Explanation(
            user=user,
            item=graph.item_ids[item],
            label=graph.label_of(item),
            score=popularity,
            basis=Basis.POPULARITY,
            blocks=(BlockShare(POPULARITY, popularity),),
            history=(),
            entities=(),
            paths=(),
            note="No positive event is known, so the score is popularity alone.",
        )
    split = scorer.split(history, item)
    others = items != item
    blocks = [BlockShare(block.block, block.share) for block in split.blocks]
    common, note = BlockShare(BIAS, split.bias), ""
    if history.is_empty[0]:
        common = BlockShare(POPULARITY, float(scorer.popularity[item] * scorer.popularity_unit))
        note = "No positive event is known, so the score is popularity, less what dislikes count against it."
    elif not others.all():
        note = "The item is in the history and counts for its own score."
    paths = paths_for(graph, scorer.paths, items[others], split.history[others], item, limit, user, disliked[others])
    return Explanation(
        user=user,
        item=graph.item_ids[item],
        label=graph.label_of(item),
        score=split.score - split.bias + common.share,
        basis=Basis.POPULARITY if history.is_empty[0] else Basis.HISTORY,
        blocks=_largest_first([*blocks, common]),
        history=_history(graph, items, split.history, disliked),
        entities=_entities(graph, item, split.facts.nodes, split.facts.shares.sum(axis=0)),
        paths=paths,
        note=note,
    )


def _history(
    graph: KnowledgeGraph, items: NDArray[np.int32], shares: NDArray[np.float32], disliked: NDArray[np.bool_]
) -> tuple[HistoryShare, ...]:
    order = np.argsort(-np.abs(shares), kind="stable")
    return tuple(
        HistoryShare(graph.item_ids[index], graph.label_of(index), float(shares[at]), bool(disliked[at]))
        for at, index in zip(order.tolist(), items[order].tolist(), strict=True)
    )


def _entities(
    graph: KnowledgeGraph, item: int, nodes: NDArray[np.int64], shares: NDArray[np.float32]
) -> tuple[EntityShare, ...]:
    """The shares of the item's facts by entity; only facts that are in the store under a relation that is shown."""
    facts = graph.item_facts()
    hidden = {relation.name for relation in graph.relations if relation.hidden}
    open_codes = [code for code, name in enumerate(facts.relation_names) if name.removeprefix("~") not in hidden]
    own = facts.of(item)
    shown = set(facts.nodes[own][np.isin(facts.relations[own], open_codes)].tolist())
    found = []
    for at in np.argsort(-np.abs(shares), kind="stable").tolist():
        node = int(nodes[at])
        if node in shown:
            kind, key, _ = graph.node_of(node)
            found.append(EntityShare(kind, key, graph.label_of(node), float(shares[at])))
    return tuple(found)


def _largest_first(shares: Sequence[BlockShare]) -> tuple[BlockShare, ...]:
    return tuple(sorted(shares, key=lambda share: -abs(share.share)))
