"""`ScoreSplit`: the exact parts of a score as it was computed, with fixed gates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class BlockShare:
    """A block's part of the score: `history` float32 [n_history] adds up to `share`."""

    block: str
    share: float
    history: NDArray[np.float32]


@dataclass(frozen=True)
class FactCells:
    """The graph blocks' part through the item's facts, in cells of history item and fact.

    `nodes` int64 [n_facts]: global ids of the facts' other ends, each once; `shares` float32 [n_history, n_facts], over
    all graph blocks and relations. `own` float32 [n_history]: the graph blocks' part beside the facts.
    """

    nodes: NDArray[np.int64]
    shares: NDArray[np.float32]
    own: NDArray[np.float32]


@dataclass(frozen=True)
class ScoreSplit:
    """`score` = `bias` + the sum of the blocks' shares; `facts` splits the graph blocks' part further."""

    score: float
    bias: float
    blocks: tuple[BlockShare, ...]
    facts: FactCells

    @property
    def history(self) -> NDArray[np.float32]:
        """The share of each item of the history over all blocks, float32 [n_history]; without the bias."""
        return np.stack([block.history for block in self.blocks]).sum(axis=0, dtype=np.float32)
