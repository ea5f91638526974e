"""Gates: weigh each block by the length of the user's history and the popularity of the item.

s(u, i) = Σ_b a_b · exp(c_b · x_u) · h_b(u, i) · block_b(u, i) / spread_b + (β + E x_u) · φ_i, with a_b ≥ 0, x_u the
place of the history's length between the lengths `KNOTS`, and φ_i the item's popularity and fact counts; E is zero for
facts. h_b(u, i) = Σ_e z_ue · exp(d_be · y_i) with z_u the place of the length between `ENDS` and y_i = (standardised
log popularity, 1 / (1 + popularity)); places are linear in the length's logarithm. So a beginning may be served by
other blocks, and more by popularity, than a long history. `fusion.gate_fitting` fits them; this module needs no torch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fusion.gate_inputs import ItemSide

KNOTS = (0, 1, 2, 5, 10, 20, 50, 100, 200)
"""Lengths of histories between which gates are interpolated; those of a longer one are those of the last."""

ENDS = (1, 20)
"""Lengths of a beginning and of a long history, between which the blocks' gates of an item are interpolated."""

N_POPULARITY = 4
"""Number of features of an item's popularity, the first of φ."""

FURTHEST = 3.0
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
        return N_POPULARITY * self.popularity_bias + 2 * n_relations * self.fact_bias


@dataclass(frozen=True, eq=False)
class Gates:
    """Fitted gates over blocks in the order of `blocks`.

    weights a [n_blocks]; by_length c [n_blocks, n_knots]; by_popularity d [n_blocks, n_ends, 2]; bias β [n_features];
    bias_by_length E [N_POPULARITY, n_knots], or [0, n_knots] without popularity in the bias. `popularity_moments`: mean
    and standard deviation of the log popularity in training.
    """

    blocks: tuple[str, ...]
    weights: NDArray[np.float32]
    by_length: NDArray[np.float32]
    by_popularity: NDArray[np.float32]
    bias: NDArray[np.float32]
    bias_by_length: NDArray[np.float32]
    popularity_moments: tuple[float, float]
    form: GateForm

    @classmethod
    def single(cls, block: str) -> Gates:
        """Gates of a model of one block, which leave its scores as they are."""
        form = GateForm(user=False, item=False, popularity_bias=False, fact_bias=False)
        return cls.even((block,), form, 0)

    @classmethod
    def even(cls, blocks: tuple[str, ...], form: GateForm, n_relations: int) -> Gates:
        """Gates that weigh all blocks alike, without a bias."""
        return cls(
            blocks,
            np.ones(len(blocks), np.float32),
            np.zeros((len(blocks), len(KNOTS)), np.float32),
            np.zeros((len(blocks), len(ENDS), 2), np.float32),
            np.zeros(form.n_features(n_relations), np.float32),
            np.zeros((N_POPULARITY * form.popularity_bias, len(KNOTS)), np.float32),
            # Floats, as a file gives them back, so that a loaded model is saved as the same bytes.
            (0.0, 1.0),
            form,
        )

    def without(self, block: int) -> Gates:
        """The same gates without the block of this place."""
        kept = np.arange(len(self.blocks)) != block
        return replace(
            self,
            blocks=tuple(name for name, keep in zip(self.blocks, kept, strict=True) if keep),
            weights=self.weights[kept],
            by_length=self.by_length[kept],
            by_popularity=self.by_popularity[kept],
        )

    def user_factors(self, lengths: NDArray[np.number]) -> NDArray[np.float32]:
        """g: float32 [n_users, n_blocks], the blocks' weights included."""
        return (self.weights * np.exp(user_features(lengths) @ self.by_length.T)).astype(np.float32)

    def item_factors(self, side: ItemSide) -> NDArray[np.float32]:
        """exp(d · y): float32 [n_blocks, n_ends, n_items]; h of a user of ends z_u is z_u @ item_factors."""
        return np.exp(self.by_popularity @ item_features(side, self.popularity_moments).T).astype(np.float32)

    def biases(self, side: ItemSide) -> NDArray[np.float32]:
        """float32 [n_knots, n_items]; the bias of a user with features x_u is x_u @ biases."""
        features = bias_features(side, self.popularity_moments, self.form)
        popularity = features[:, : len(self.bias_by_length)]
        return (features @ self.bias + (popularity @ self.bias_by_length).T).astype(np.float32)


def user_features(lengths: NDArray[np.number]) -> NDArray[np.float32]:
    """x [n_users, n_knots] of histories of these lengths; each row adds up to 1."""
    return _between(KNOTS, lengths)


def user_ends(lengths: NDArray[np.number]) -> NDArray[np.float32]:
    """z [n_users, n_ends] of histories of these lengths; each row adds up to 1."""
    return _between(ENDS, lengths)


def _between(knots: tuple[int, ...], lengths: NDArray[np.number]) -> NDArray[np.float32]:
    places, logs = np.log1p(np.array(knots, dtype=np.float64)), np.log1p(np.asarray(lengths, dtype=np.float64))
    return np.stack([np.interp(logs, places, one) for one in np.eye(len(knots))], axis=1).astype(np.float32)


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
