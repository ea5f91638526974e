"""Gates: weigh each block by the length of the user's history and the popularity of the item.

s(u, i) = Σ_b a_b · exp(c_b x_u) · exp(d_b · y_i) · block_b(u, i) / spread_b + β · φ_i, with a_b ≥ 0, x_u the
standardised log of the history's length, y_i = (standardised log popularity, 1 / (1 + popularity)) and φ_i the item's
popularity and fact counts. `fusion.gate_fitting` fits them; this module needs no torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusion.gate_inputs import ItemSide

FURTHEST = 8.0
"""Limit of the standardised log popularity, in standard deviations from the mean."""


@dataclass(frozen=True, eq=False)
class GateForm:
    """Inputs that the gates may use: user side, item side, popularity in the bias, facts in the bias."""

    user: bool = True
    item: bool = True
    popularity_bias: bool = True
    fact_bias: bool = True

    def n_features(self, n_relations: int) -> int:
        """Length of φ for a number of relations."""
        return 4 * self.popularity_bias + 2 * n_relations * self.fact_bias


@dataclass(frozen=True, eq=False)
class Gates:
    """Fitted gates over blocks in the order of `blocks`.

    weights a [n_blocks]; by_length c [n_blocks]; by_popularity d [n_blocks, 2]; bias β [n_features]. `length_moments`
    and `popularity_moments`: mean and standard deviation of the logs in training; lengths are clipped to
    `length_range`, beyond which nothing was learned.
    """

    blocks: tuple[str, ...]
    weights: NDArray[np.float32]
    by_length: NDArray[np.float32]
    by_popularity: NDArray[np.float32]
    bias: NDArray[np.float32]
    length_moments: tuple[float, float]
    length_range: tuple[float, float]
    popularity_moments: tuple[float, float]
    form: GateForm

    @classmethod
    def single(cls, block: str) -> Gates:
        """Gates of a model of one block, which leave its scores as they are."""
        one, zero = np.ones(1, np.float32), np.zeros((1, 2), np.float32)
        form = GateForm(user=False, item=False, popularity_bias=False, fact_bias=False)
        # Floats, as a file gives them back, so that a loaded model is saved as the same bytes.
        moments, no_range = (0.0, 1.0), (0.0, 0.0)
        return cls((block,), one, np.zeros(1, np.float32), zero, one[:0], moments, no_range, moments, form)

    def user_factors(self, lengths: NDArray[np.float32]) -> NDArray[np.float32]:
        """g: float32 [n_users, n_blocks], the blocks' weights included."""
        x = standardised(lengths, self.length_moments, self.length_range)
        return (self.weights * np.exp(x[:, None] * self.by_length)).astype(np.float32)

    def item_factors(self, side: ItemSide) -> NDArray[np.float32]:
        """h: float32 [n_items, n_blocks]."""
        return np.exp(item_features(side, self.popularity_moments) @ self.by_popularity.T).astype(np.float32)

    def biases(self, side: ItemSide) -> NDArray[np.float32]:
        """float32 [n_items]."""
        features = bias_features(side, self.popularity_moments, self.form)
        return (features @ self.bias).astype(np.float32) if len(self.bias) else np.zeros(len(side.users), np.float32)


def standardised(
    lengths: NDArray[np.float32], moments: tuple[float, float], limits: tuple[float, float]
) -> NDArray[np.float32]:
    """x [n_users]: the log of the lengths within `limits`, standardised."""
    return ((np.clip(np.log1p(lengths), *limits) - moments[0]) / moments[1]).astype(np.float32)


def item_features(side: ItemSide, moments: tuple[float, float]) -> NDArray[np.float32]:
    """y [n_items, 2]; a cold item is at the mean of log popularity and the second feature marks it."""
    popularity = np.where(side.users > 0, (np.log1p(side.users) - moments[0]) / moments[1], 0.0)
    popularity = np.clip(popularity, -FURTHEST, FURTHEST)
    return np.stack([popularity, 1.0 / (1.0 + side.users)], axis=1).astype(np.float32)


def bias_features(side: ItemSide, moments: tuple[float, float], form: GateForm) -> NDArray[np.float32]:
    """φ [n_items, n_features]: popularity, coldness, dormancy; facts of warm items, and last those of cold ones."""
    features = item_features(side, moments)
    parts = [np.zeros((len(side.users), 0), dtype=np.float32)]
    if form.popularity_bias:
        parts += [features, features[:, :1] ** 2, side.dormant[:, None].astype(np.float32)]
    if form.fact_bias:
        coldness = features[:, 1:]
        parts += [side.facts * (1 - coldness), side.facts * coldness]
    return np.concatenate(parts, axis=1).astype(np.float32)
