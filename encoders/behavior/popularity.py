"""Popularity: how many users have an item, the same score for every history."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from encoders.behavior.base import BehaviorBlock, BehaviorSettings
from encoders.behavior.rare import coarse_counts
from encoders.tensors import Tensors


class PopularitySettings(BehaviorSettings):
    """Settings of `Popularity`."""

    scale: Literal["log", "count"] = "log"
    """`log`: log(1 + count), which fusion can weigh against other blocks; `count`: the bare count. Same ranking."""


class Popularity(BehaviorBlock):
    """score(H, i) = log(1 + number of users who have i) for every H, also for an unknown user.

    The score does not come from the history, so `shares` spreads it evenly over the items that count for the user, or
    over all if none does.
    """

    name: str = "popularity"
    summary: ClassVar[str] = "The same scores for all users."
    settings_type = PopularitySettings
    refits: ClassVar[bool] = True

    def __init__(self, counts: NDArray[np.float32], settings: PopularitySettings, trained: NDArray[np.int32]) -> None:
        super().__init__(settings, trained)
        self._counts = counts
        self._scale = settings.scale

    @classmethod
    def _learned(cls, seen: sp.csr_array, settings: BehaviorSettings, rng: np.random.Generator) -> dict[str, NDArray]:
        """See `BehaviorBlock`; weights are not counted, only users."""
        counts = np.bincount(seen.indices, minlength=seen.shape[1]).astype(np.float32)
        return {"counts": coarse_counts(counts, settings.min_users)}

    @property
    def n_fitted(self) -> int:
        return len(self._counts)

    def _scores(self, histories: sp.csr_array, columns: NDArray[np.intp]) -> NDArray[np.float32]:
        return np.repeat(self._scaled(self._counts[columns])[None, :], histories.shape[0], axis=0)

    def _shares(self, history: NDArray[np.intp], weights: NDArray[np.float32], item: int) -> NDArray[np.float32]:
        score = self._scaled(self._counts[item])
        bearing = weights > 0 if (weights > 0).any() else np.ones(len(history), dtype=bool)
        return np.where(bearing, score / np.float32(np.count_nonzero(bearing)), 0).astype(np.float32)

    def _scaled(self, counts: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.log1p(counts) if self._scale == "log" else counts

    def _tensors(self) -> dict[str, NDArray]:
        return {"counts": self._counts}

    @classmethod
    def _from_tensors(cls, tensors: Tensors, settings: BehaviorSettings, trained: NDArray[np.int32]) -> Self:
        counts = tensors.numbers("counts", (None,), at_least=0)
        return cls(counts, PopularitySettings.model_validate(settings), trained)
