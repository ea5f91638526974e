"""Item-kNN: an item is scored by its nearest items in the history (Sarwar et al., WWW 2001; Deshpande & Karypis 2004).

It uses the asymmetric cosine of Aiolli (RecSys 2013); the plain cosine is the case `asymmetry` = 0.5.
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


class ItemKNNSettings(BehaviorSettings):
    """Settings of `ItemKNN`."""

    neighbours: int = Field(default=200, ge=1)
    """k: how many nearest items an item keeps (more where several equal the k-th)."""

    shrink: float = Field(default=0.0, ge=0)
    """Added to the denominator: similarities that rest on few users shrink towards zero."""

    asymmetry: float = Field(default=0.5, ge=0, le=1)
    """Exponent of the target's norm; the history item's gets 1 − this. 0.5 is the cosine; less favours the popular."""


class ItemKNN(ItemItemBlock, BehaviorBlock):
    """W[j, i] = x_j·x_i / (‖x_i‖^2a ‖x_j‖^2(1−a) + shrink) if j is among i's k nearest, else 0; x are X's columns."""

    name: str = "itemknn"
    summary: ClassVar[str] = "Neighbourhoods of items."
    settings_type = ItemKNNSettings
    search_space: ClassVar[SearchSpace] = {
        "neighbours": Between(3, 3_000, step=2.0),
        "shrink": Between(0.01, 3_000.0),
        "asymmetry": Between(0.0, 1.0, log=False),
    }
    refits: ClassVar[bool] = True

    @classmethod
    def _learned(cls, seen: sp.csr_array, settings: BehaviorSettings, rng: np.random.Generator) -> dict[str, NDArray]:
        """See `BehaviorBlock`; the product is taken in blocks of rows, memory grows with neighbours x items."""
        assert isinstance(settings, ItemKNNSettings)
        seen = seen.astype(np.float64)
        squares = np.asarray(seen.multiply(seen).sum(axis=0)).ravel()
        target = squares**settings.asymmetry
        source = squares ** (1 - settings.asymmetry)
        rows = []
        by_item = sp.csr_array(seen.T)
        for start, block in row_blocks(by_item, seen):
            drop_diagonal(block, start)
            if settings.min_users > 1:
                block_rows = sp.csr_array(by_item[start : start + block.shape[0]])
                block = sp.csr_array(block.multiply(frequent_pairs(block_rows, seen, settings.min_users)))
            owners = start + np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
            block.data /= target[owners] * source[block.indices] + settings.shrink
            rows.append(strongest_in_rows(block, settings.neighbours))
        # Rows are targets so far; the block's weights go from history item (row) to target (column).
        return weight_tensors(compact(sp.csr_array(sp.vstack(rows).T)))
