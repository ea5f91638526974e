"""Inputs of the gates: a user's history length, an item's popularity in training and its facts; and the examples that
the gates are fitted on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from encoders.graph import FactGraph
from kg.graph import KnowledgeGraph

HeldOutKind: TypeAlias = Literal["events", "items", "users"]
"""What a fold holds out: events of known users, whole items, or events of new users."""


@dataclass(frozen=True, eq=False)
class ItemSide:
    """The gates' inputs of every item of a catalogue.

    `users` float32 [n_items]: distinct training users, 0 for a cold item. `facts` float32 [n_items, n_relations]: log
    of 1 + the item's facts of every relation of `relations`. `dormant` bool [n_items]: items that were in the training
    catalogue and had no interaction there, which is evidence against them; an item added later is cold but not
    dormant.
    """

    users: NDArray[np.float32]
    facts: NDArray[np.float32]
    dormant: NDArray[np.bool_]

    @classmethod
    def of(
        cls, graph: KnowledgeGraph, users: NDArray[np.float32], dormant: NDArray[np.bool_], relations: tuple[str, ...]
    ) -> ItemSide:
        """Read them from a snapshot; relations that it lacks count zero facts."""
        fact_graph = FactGraph.of(graph)
        counts = fact_graph.counts()
        place = {name: code for code, name in enumerate(fact_graph.relation_names)}
        facts = np.zeros((graph.n_items, len(relations)), dtype=np.float32)
        for column, name in enumerate(relations):
            if name in place:
                facts[:, column] = np.log1p(counts[:, place[name]])
        return cls(users.astype(np.float32), facts, dormant)


@dataclass(frozen=True, eq=False)
class Examples:
    """Out-of-sample block scores of some users' candidates, on which the gates are fitted.

    `scores` float32 [n_users, n_candidates, n_blocks], each block of unit spread. `lengths` float32 [n_users]: items in
    the history. `items` int32 [n_users, n_candidates]; `targets` bool: held-out positives. `log_weights` float32: log
    of how many candidates each one represents, -inf for padding. `side`: the items as of the fold's training.
    `kind`: what is held out, as in `fusion.folds.HeldOut`.
    """

    scores: NDArray[np.float32]
    lengths: NDArray[np.float32]
    items: NDArray[np.int32]
    targets: NDArray[np.bool_]
    log_weights: NDArray[np.float32]
    side: ItemSide
    kind: HeldOutKind
