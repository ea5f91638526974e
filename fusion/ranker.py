"""`Ranker`: score the items of one snapshot with a fused model, and split scores exactly."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from encoders.block import Block, Family, SplitsByFact
from encoders.tensors import LARGEST
from fusion.gate_inputs import ItemSide
from fusion.gates import Gates
from fusion.score_split import BlockShare, FactCells, ScoreSplit
from kg.errors import WhyPathError
from kg.histories import Histories


class ModelUnusable(WhyPathError):
    """A model's learned parameters do not give finite scores for the items that it is bound to."""


class Ranker:
    """Blocks, gates and bias, bound to a snapshot; immutable, safe to use from many threads."""

    def __init__(self, blocks: Mapping[str, Block], spreads: Mapping[str, float], gates: Gates, side: ItemSide) -> None:
        """`blocks` by name, at least those of `gates`; `spreads`: the unit of each block's scores.

        Raises ModelUnusable where the gates are not finite over these items.
        """
        self.blocks = {name: blocks[name] for name in gates.blocks}
        self.gates = gates
        self._units = np.array([spreads[name] for name in gates.blocks], dtype=np.float32)
        # One row per block, so that the factors of a block's scores are contiguous in memory.
        self._item_factors = np.ascontiguousarray(gates.item_factors(side).T)
        # By the history's length, [longest + 1, n_blocks]; constant beyond the longest history of training.
        self._longest = int(np.ceil(np.expm1(gates.length_range[1])))
        self._user_factors = gates.user_factors(np.arange(self._longest + 1, dtype=np.float32)) / self._units
        self._bias = gates.biases(side)
        _check("gates", np.finfo(np.float32).max, self._item_factors, self._user_factors, self._bias)

    @property
    def n_items(self) -> int:
        """Items of the snapshot."""
        return len(self._bias)

    def scores(self, histories: Histories, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """Scores float32 [n_users, n_candidates]; candidates are item indices, None for all items.

        Raises ModelUnusable if a score is not a finite number.
        """
        chosen = slice(None) if candidates is None else np.asarray(candidates, dtype=np.intp)
        users = self._user_factors[np.minimum(histories.lengths, self._longest)]
        items = self._item_factors[:, chosen]
        total = np.repeat(self._bias[chosen][None, :], len(histories), axis=0)
        with np.errstate(over="ignore", invalid="ignore"):
            for row, block in enumerate(self.blocks.values()):
                weighted = block.scores(histories, candidates) * users[:, row, None]
                weighted *= items[row]
                total += weighted
        _check("scores", LARGEST, total)
        return total

    def split(self, history: Histories, item: int) -> ScoreSplit:
        """Split one score of one user over the distinct items of the history, ascending.

        Raises ModelUnusable as `scores` does.
        """
        length = int(history.lengths[0])
        factors = self._user_factors[min(length, self._longest)] * self._item_factors[:, item]
        shares: list[BlockShare] = []
        nodes, cells = [np.zeros(0, np.int64)], [np.zeros((length, 0), np.float32)]
        without_facts = np.zeros(length, dtype=np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            for factor, (name, block) in zip(factors, self.blocks.items(), strict=True):
                block_shares = block.shares(history, item) * factor
                shares.append(BlockShare(name, float(block_shares.sum()), block_shares.astype(np.float32)))
                if block.family == Family.GRAPH and isinstance(block, SplitsByFact):
                    facts = block.fact_shares(history, item)
                    nodes.append(facts.nodes)
                    cells.append(facts.shares * factor)
                    without_facts += facts.own * factor
        distinct, place = np.unique(np.concatenate(nodes), return_inverse=True)
        summed = np.zeros((len(distinct), length), dtype=np.float32)
        np.add.at(summed, place, np.concatenate(cells, axis=1).T)
        bias = float(self._bias[item])
        score = bias + sum(share.share for share in shares)
        _check("scores", LARGEST, np.array([score]), summed, without_facts, *(share.history for share in shares))
        return ScoreSplit(score, bias, tuple(shares), FactCells(distinct, summed.T, without_facts))


def _check(what: str, largest: float | np.floating, *arrays: NDArray[np.floating]) -> None:
    for array in arrays:
        # Both are NaN if any number is.
        if array.size and not (array.min() >= -largest and array.max() <= largest):
            raise ModelUnusable(f"the model's {what} are no finite numbers over these items; train it again")
