"""RP3β: score items by three-step random walks from the user, discounted by popularity (Paudel et al., ACM TiiS 2017).

This is the form that Ferrari Dacrema et al. (RecSys 2019, arXiv 1907.06902) found to beat most neural models:
transition probabilities to the power α, the walk item → user → item, then popularity to the power −β.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import Field

from encoders.behavior.base import BehaviorBlock, BehaviorSettings
from encoders.behavior.item_item import (
    ItemItemBlock,
    compact,
    drop_diagonal,
    row_blocks,
    strongest_in_rows,
    weight_tensors,
)
from encoders.behavior.rare import frequent_pairs
from encoders.search_space import Between, SearchSpace


class RP3BetaSettings(BehaviorSettings):
    """Settings of `RP3Beta`."""

    alpha: float = Field(default=0.5, ge=0)
    """Exponent of the transition probabilities."""

    beta: float = Field(default=0.6, ge=0)
    """Exponent of the target's number of users, by which the walk is divided: above 0 it favours rare items.

    0.6 is the best on valid of MovieLens-100k; 0.3 is reported for Amazon-book, whose tail is longer.
    """

    neighbours: int = Field(default=1000, ge=1)
    """How many targets each history item keeps (more where several equal the last)."""


class RP3Beta(ItemItemBlock, BehaviorBlock):
    """W[j, i] = Σ_u (x_uj/d_j)^α (x_ui/d_u)^α / d_i^β, d the sums of weights of items and users; k largest a row."""

    name: str = "rp3beta"
    summary: ClassVar[str] = "Random walks over users and items."
    settings_type = RP3BetaSettings
    search_space: ClassVar[SearchSpace] = {
        "beta": Between(0.0, 1.5, log=False, step=1.5),
        "alpha": Between(0.05, 2.5, log=False, step=1.5),
        "neighbours": Between(5, 5_000),
    }
    refits: ClassVar[bool] = True

    @classmethod
    def _learned(cls, seen: sp.csr_array, settings: BehaviorSettings, rng: np.random.Generator) -> dict[str, NDArray]:
        """See `BehaviorBlock`; the product is taken in blocks of rows, memory grows with neighbours x items."""
        assert isinstance(settings, RP3BetaSettings)
        seen = seen.astype(np.float64)
        to_items = _transitions(seen, settings.alpha)
        to_users = _transitions(sp.csr_array(seen.T), settings.alpha)
        degrees = np.asarray(seen.sum(axis=0)).ravel()
        discount = np.power(degrees, -settings.beta, where=degrees > 0, out=np.zeros_like(degrees))
        rows = []
        for start, block in row_blocks(to_users, to_items):
            drop_diagonal(block, start)
            if settings.min_users > 1:
                block_rows = sp.csr_array(to_users[start : start + block.shape[0]])
                block = sp.csr_array(block.multiply(frequent_pairs(block_rows, to_items, settings.min_users)))
            block.data *= discount[block.indices]
            rows.append(strongest_in_rows(block, settings.neighbours))
        return weight_tensors(compact(sp.csr_array(sp.vstack(rows))))


def _transitions(matrix: sp.csr_array, alpha: float) -> sp.csr_array:
    """Each row divided by its sum, entries to the power alpha."""
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    transitions = matrix.copy()
    transitions.data = (transitions.data / np.repeat(sums, np.diff(transitions.indptr))) ** alpha
    return transitions
