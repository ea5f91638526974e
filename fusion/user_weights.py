"""Choose how the events of a history count for each block, by place, age, kind and polarity, on held-out events.

It costs no fit: a block's scores of the same held-out events are compared for a few `HistoryWeights`. Histories without
times have neither places nor ages, so that nothing looks at time there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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

AGES = (0.1, 0.2, 0.4, 0.8)
"""Exponents of an event's age in units of the median age."""

KINDS = (0.1, 0.3, 3.0, 10.0)
"""Values of a like of each kind of events but the most frequent one, one kind after the other."""

LEAST_DISLIKE = 0.1
"""Value of a dislike of a kind that the held-out histories have, unless a larger one ranks better. It is not 0: users
rate what interested them, so that among held-out likes a dislike can look like a like; yet who dislikes an item expects
fewer like it. See docs/experiments.md."""

DISLIKES = (0.3, 1.0)
"""Larger values that are tried."""

SURE = 2.0
"""Standard errors of the paired difference by which other weights must be better: the best of a dozen differs by more
than one by chance."""

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

    Place, age, kinds and dislikes are chosen one after the other; each keeps its default (a dislike `LEAST_DISLIKE`)
    unless other weights are better by `SURE` standard errors of the paired difference.
    """
    return {name: _Choice(name, block, task).chosen() for name, block in blocks.items()}


def can_weigh(histories: Histories) -> bool:
    """Whether anything can be chosen for such histories."""
    return histories.is_ordered or len(_kinds_of(histories)) > 1 or bool(_kinds_of(histories.dislikes))


class _Choice:
    """The choice for one block; every `HistoryWeights` is measured once."""

    def __init__(self, name: str, block: Block, task: RankingTask) -> None:
        self._name, self._block, self._task = name, block, task
        self._measured: dict[HistoryWeights, EvaluationResult] = {}

    def chosen(self) -> HistoryWeights:
        weights = HistoryWeights()
        histories = self._task.history.take(self._task.test_users)
        if histories.is_ordered:
            weights = self._better(weights, self._by_place(weights))
        unit = _median_age(histories)
        if unit is not None:
            weights = self._better(weights, _with(weights, "age", AGES, age_unit=unit))
        for kind in _kinds_of(histories)[1:]:
            weights = self._better(weights, [_of_kind(weights, "kinds", kind, value) for value in KINDS])
        for kind in _kinds_of(histories.dislikes):
            weights = _of_kind(weights, "dislikes", kind, LEAST_DISLIKE)
            weights = self._better(weights, [_of_kind(weights, "dislikes", kind, value) for value in DISLIKES])
        return weights

    def _by_place(self, weights: HistoryWeights) -> list[HistoryWeights]:
        by_places = list(_with(weights, "places", PLACES, floor=_FIRST_FLOOR))
        best = max(by_places, key=self._mean)
        return [*by_places, *_with(best, "floor", [floor for floor in FLOORS if floor != _FIRST_FLOOR])]

    def _better(self, weights: HistoryWeights, tried: Iterable[HistoryWeights]) -> HistoryWeights:
        best = max([weights, *tried], key=self._mean)
        gain = self._result(best).against(self._result(weights), MEASURE)
        return best if gain.mean > SURE * gain.standard_error else weights

    def _mean(self, weights: HistoryWeights) -> float:
        return self._result(weights).mean(MEASURE)

    def _result(self, weights: HistoryWeights) -> EvaluationResult:
        if weights not in self._measured:
            self._measured[weights] = evaluate(Weighed(self._block, weights), self._task, name=self._name, ks=(10,))
        return self._measured[weights]


def _with(weights: HistoryWeights, name: str, values: Sequence[float], **others: float) -> Iterator[HistoryWeights]:
    return (weights.model_copy(update={name: value, **others}) for value in values)


def _of_kind(weights: HistoryWeights, name: str, kind: str, value: float) -> HistoryWeights:
    return weights.model_copy(update={name: {**getattr(weights, name), kind: value}})


def _kinds_of(histories: Histories | None) -> list[str]:
    """The kinds of the events, the most frequent one first."""
    if histories is None or histories.kinds is None:
        return []
    known, counts = np.unique(histories.kinds[histories.kinds >= 0], return_counts=True)
    return [histories.kind_names[kind] for kind in known[np.argsort(-counts, kind="stable")].tolist()]


def _median_age(histories: Histories) -> float | None:
    """The median of the ages of the likes above 0, in seconds; None without any."""
    if histories.times is None or histories.now is None:
        return None
    ages = histories.now[histories.users] - histories.times
    ages = ages[ages > 0]
    return float(np.median(ages)) if len(ages) else None
