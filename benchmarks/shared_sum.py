"""`SharedSum`: score an item by the entities it shares with the history, without training."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from kg.graph import KnowledgeGraph
from kg.histories import Histories

EXPONENT = 0.75


class SharedSum:
    """Σ 1 / degree^0.75 over the paths from history to item over one entity, for `fusion.evaluation.evaluate`.

    A person who directed one film and acted in both makes two paths. without: a relation's code, whose facts are not
    read.
    """

    def __init__(self, graph: KnowledgeGraph, without: int | None = None) -> None:
        facts = graph.item_facts()
        kept = facts.relations != (-1 if without is None else without)
        ones = np.ones(int(kept.sum()), dtype=np.float32)
        shape = (graph.n_items, graph.n_nodes)
        self._facts = sp.csr_array((ones, (facts.items()[kept], facts.nodes[kept])), shape=shape)
        degree = np.maximum(np.asarray(self._facts.sum(axis=0)).ravel(), 1.0)
        self._weighted = sp.csr_array(self._facts @ sp.diags_array(degree**-EXPONENT).tocsr())

    def scores(self, histories: Histories, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """float32 [n_users, n_candidates]; None is all items."""
        facts = self._facts if candidates is None else self._facts[candidates]
        return (histories.matrix() @ self._weighted @ facts.T).toarray().astype(np.float32)
