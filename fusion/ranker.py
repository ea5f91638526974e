"""`Ranker`: score the items of one snapshot with a fused model, and split scores exactly."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from encoders.block import Block, Family, SplitsByFact
from encoders.history_weights import HistoryWeights
from encoders.tensors import LARGEST
from fusion.gate_inputs import ItemSide
from fusion.gates import KNOTS, Gates, user_ends, user_features
from fusion.score_split import BlockShare, FactCells, ScoreSplit
from kg.errors import WhyPathError
from kg.histories import Histories

LIKENESS = 20
"""Length of the histories whose gates weigh the blocks where items are compared with one item."""


class ModelUnusable(WhyPathError):
    """A model's learned parameters do not give finite scores for the items that it is bound to."""


class Ranker:
    """Blocks, gates and bias, bound to a snapshot; immutable, safe to use from many threads."""

    def __init__(
        self,
        blocks: Mapping[str, Block],
        spreads: Mapping[str, float],
        gates: Gates,
        side: ItemSide,
        weights: Mapping[str, HistoryWeights] = MappingProxyType({}),
    ) -> None:
        """`blocks` by name, at least those of `gates`; `spreads`: the unit of each block's scores; `weights` of the
        events of a history by block, where they do not count the same.

        Raises ModelUnusable where the gates are not finite over these items.
        """
        self.blocks = {name: blocks[name] for name in gates.blocks}
        self.gates = gates
        self._weights = {name: weights.get(name, HistoryWeights()) for name in gates.blocks}
        self._units = np.array([spreads[name] for name in gates.blocks], dtype=np.float32)
        self._item_factors = gates.item_factors(side)
        # By the history's length, the same from the last knot on.
        lengths = np.arange(KNOTS[-1] + 1)
        self._users, self._ends = user_features(lengths), user_ends(lengths)
        self._user_factors = gates.user_factors(lengths) / self._units
        self._biases = gates.biases(side)
        _check("gates", np.finfo(np.float32).max, self._item_factors, self._user_factors, self._biases)

    @property
    def n_items(self) -> int:
        """Items of the snapshot."""
        return self._biases.shape[1]

    @cached_property
    def alike(self) -> Ranker:
        """The same ranker for likeness of items: for every history the gates of one of `LIKENESS` items, no bias.

        Else the items most like any item would be the popular ones, which serve a user with one item best.
        """
        other = copy(self)
        other._user_factors = np.broadcast_to(self._user_factors[LIKENESS], self._user_factors.shape)
        other._ends = np.broadcast_to(self._ends[LIKENESS], self._ends.shape)
        other._biases = np.zeros_like(self._biases)
        return other

    @cached_property
    def unbiased(self) -> Ranker:
        """The same ranker without what an item has for all users: only the histories' parts are left."""
        other = copy(self)
        other._biases = np.zeros_like(self._biases)
        return other

    def scores(self, histories: Histories, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """Scores float32 [n_users, n_candidates]; candidates are item indices, None for all items.

        Raises ModelUnusable if a score is not a finite number.
        """
        chosen = slice(None) if candidates is None else np.asarray(candidates, dtype=np.intp)
        lengths = np.minimum(histories.lengths, KNOTS[-1])
        users = self._user_factors[lengths, :, None] * self._ends[lengths, None, :]
        weighed = {weights: weights.of(histories) for weights in set(self._weights.values())}
        with np.errstate(over="ignore", invalid="ignore"):
            total = self._users[lengths] @ self._biases[:, chosen]
            for row, (name, block) in enumerate(self.blocks.items()):
                part = users[:, row] @ self._item_factors[row][:, chosen]
                part *= block.scores(weighed[self._weights[name]], candidates)
                total += part
        _check("scores", LARGEST, total)
        return total

    def split(self, history: Histories, item: int) -> ScoreSplit:
        """Split one score of one user over the distinct items of the history, liked or disliked, ascending.

        Raises ModelUnusable as `scores` does.
        """
        row, length = min(int(history.lengths[0]), KNOTS[-1]), history.known().nnz
        factors = self._user_factors[row] * (self._item_factors[:, :, item] @ self._ends[row])
        shares: list[BlockShare] = []
        nodes, cells = [np.zeros(0, np.int64)], [np.zeros((length, 0), np.float32)]
        without_facts = np.zeros(length, dtype=np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            for factor, (name, block) in zip(factors, self.blocks.items(), strict=True):
                weighed = self._weights[name].of(history)
                block_shares = block.shares(weighed, item) * factor
                shares.append(BlockShare(name, float(block_shares.sum()), block_shares.astype(np.float32)))
                if block.family == Family.GRAPH and isinstance(block, SplitsByFact):
                    facts = block.fact_shares(weighed, item)
                    nodes.append(facts.nodes)
                    cells.append(facts.shares * factor)
                    without_facts += facts.own * factor
        distinct, place = np.unique(np.concatenate(nodes), return_inverse=True)
        summed = np.zeros((len(distinct), length), dtype=np.float32)
        np.add.at(summed, place, np.concatenate(cells, axis=1).T)
        bias = float(self._users[row] @ self._biases[:, item])
        score = bias + sum(share.share for share in shares)
        _check("scores", LARGEST, np.array([score]), summed, without_facts, *(share.history for share in shares))
        return ScoreSplit(score, bias, tuple(shares), FactCells(distinct, summed.T, without_facts))


def _check(what: str, largest: float | np.floating, *arrays: NDArray[np.floating]) -> None:
    for array in arrays:
        # Both are NaN if any number is.
        if array.size and not (array.min() >= -largest and array.max() <= largest):
            raise ModelUnusable(f"the model's {what} are no finite numbers over these items; train it again")
