"""Choose how the events of a history count for each block, by its place from the end, on held-out events.

It costs no fit: a block's scores of the same held-out events are compared for a few `HistoryWeights`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoders.block import Block
from encoders.history_weights import HistoryWeights
from fusion.evaluation import RankingTask, evaluate
from fusion.results import EvaluationResult
from fusion.selection import MEASURE
from kg.histories import Histories

PLACES = (2.0, 4.0, 8.0, 16.0, 32.0)
FLOORS = (0.0, 0.03, 0.1, 0.3)
"""What is tried: each number of places with the middle floor, then each floor with the best of them."""

_FIRST_FLOOR = 0.1


@dataclass(frozen=True)
class Weighed:
    """A block whose histories are weighed."""

    block: Block
    weights: HistoryWeights

    def scores(self, histories: Histories, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """Scores float32 [n_users, n_candidates], see `Block.scores`."""
        return self.block.scores(self.weights.of(histories), candidates)


def choose_user_weights(blocks: Mapping[str, Block], task: RankingTask) -> dict[str, HistoryWeights]:
    """The weights of each block that rank the task best alone.

    A block's events count the same unless other weights are better by more than one standard error of the paired
    difference.
    """
    return {name: _chosen(name, block, task) for name, block in blocks.items()}


def _chosen(name: str, block: Block, task: RankingTask) -> HistoryWeights:
    def measured(weights: HistoryWeights) -> EvaluationResult:
        return evaluate(Weighed(block, weights), task, name=name, ks=(10,))

    even = HistoryWeights()
    start = measured(even)
    tried = {even: start}
    by_places = [HistoryWeights(floor=_FIRST_FLOOR, places=places) for places in PLACES]
    tried |= {weights: measured(weights) for weights in by_places}
    best = max(by_places, key=lambda weights: tried[weights].mean(MEASURE))
    by_floor = [best.model_copy(update={"floor": floor}) for floor in FLOORS if floor != _FIRST_FLOOR]
    tried |= {weights: measured(weights) for weights in by_floor}
    best = max(tried, key=lambda weights: tried[weights].mean(MEASURE))
    gain = tried[best].against(start, MEASURE)
    return best if gain.mean > gain.standard_error else even
