"""iALS: implicit alternating least squares (Hu, Koren & Volinsky, ICDM 2008) with exact fold-in of histories.

In the notation of Rendle et al. ("Revisiting the Performance of iALS", RecSys 2022, arXiv 2110.14037): item vectors Y
and user vectors p minimise  Σ_u Σ_{j∈H_u} w_uj (1 − ⟨p_u, y_j⟩)² + α₀ Σ_u Σ_i ⟨p_u, y_i⟩² + λ Σ‖p_u‖² + Σ λ_i‖y_i‖².
A model of the library `implicit` with `alpha` a and `regularization` r is this one with α₀ = 1/(a−1), λ = λ_i = r/a.
Only Y is kept: every user is folded in from the history, p(H) = A⁻¹ Σ_j w_j y_j with A = α₀YᵀY + Σ_j w_j y_j y_jᵀ + λI,
which is the exact minimum for that user.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar, NamedTuple, Self

import numpy as np
import scipy.linalg
import scipy.linalg.lapack
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import Field

from encoders.behavior.base import BehaviorBlock, BehaviorSettings
from encoders.search_space import Between, SearchSpace
from encoders.tensors import Tensors
from kg.histories import Histories

FEW = 0.6
"""A row of up to this share of f entries is solved in the space of its entries."""

_STEP = 1.1
"""Rows of one batch differ in length by up to this factor, short ones not at all."""

_CELLS = 2_000_000
"""Numbers in the vectors of a batch, 16 MB."""


class IALSSettings(BehaviorSettings):
    """Settings of `IALS`."""

    factors: int = Field(default=64, ge=1, le=1024)
    """Dimensions f of the vectors; a row costs f³ to solve, one of fewer entries their cube."""

    regularization: float = Field(default=10.0, gt=0)
    """λ for every user, and on average over interactions for an item (see `item_exponent`)."""

    item_exponent: float = Field(default=1.0, ge=0, le=2)
    """ν: an item's λ grows with its popularity as (users + mean users)^ν; 0 gives every item the same."""

    unobserved: float = Field(default=1.0, gt=0)
    """α₀: weight of "no interaction" against the 1.0 of an interaction."""

    epochs: int = Field(default=16, ge=1)
    """How often users and items are solved in turn."""


class IALS(BehaviorBlock):
    """score(H, i) = ⟨p(H), y_i⟩; the share of history item j is w_j y_jᵀ A⁻¹ y_i, A being held."""

    name: str = "ials"
    summary: ClassVar[str] = "Matrix factorisation with fold-in."
    settings_type = IALSSettings
    search_space: ClassVar[SearchSpace] = {
        # In this order: on sparse data a weak "no interaction" is better only once λ is small.
        "regularization": Between(0.03, 1_000.0, step=2.0),
        "unobserved": Between(0.003, 10.0, step=4.0),
        "factors": Between(8, 256),
        "item_exponent": Between(0.0, 1.5, log=False),
    }
    refits: ClassVar[bool] = True

    def __init__(self, vectors: NDArray[np.float32], settings: IALSSettings, trained: NDArray[np.int32]) -> None:
        super().__init__(settings, trained)
        self._vectors = vectors
        self._problem = settings

    @cached_property
    def _solver(self) -> _Solver:
        return _Solver(self._vectors, self._problem, np.float64(self._problem.regularization))

    @classmethod
    def _learned(cls, seen: sp.csr_array, settings: BehaviorSettings, rng: np.random.Generator) -> dict[str, NDArray]:
        """See `BehaviorBlock`; grows with interactions·f² + (users + items)·f³, no limit on the catalogue."""
        assert isinstance(settings, IALSSettings)
        by_item = sp.csr_array(seen.T)
        # 0.1/√f as in Rendle et al.: scores of about 0.1 before the first step, whatever f is.
        vectors = rng.normal(0.0, 0.1 / np.sqrt(settings.factors), (seen.shape[1], settings.factors))
        vectors = vectors.astype(np.float32)
        vectors[np.diff(by_item.indptr) == 0] = 0.0
        per_item = _item_regularization(np.diff(by_item.indptr), settings)
        for _ in range(settings.epochs):
            users = _Solver(vectors, settings, np.float64(settings.regularization)).fold_in(seen)
            vectors = _Solver(users, settings, per_item).fold_in(by_item)
        return {"vectors": vectors}

    @property
    def n_fitted(self) -> int:
        return len(self._vectors)

    def user_vectors(self, histories: Histories) -> NDArray[np.float32]:
        """p(H) of each history, float32 [n_users, factors]; histories as for `scores`."""
        return self._solver.fold_in(self._inside(self.history_matrix(histories)))

    def _scores(self, histories: sp.csr_array, columns: NDArray[np.intp]) -> NDArray[np.float32]:
        return self._solver.fold_in(histories) @ self._vectors[columns].T

    def _shares(self, history: NDArray[np.intp], weights: NDArray[np.float32], item: int) -> NDArray[np.float32]:
        row = sp.csr_array((weights, history, np.array([0, len(history)])), shape=(1, self.n_fitted))
        normal = self._solver.row(row).normal
        solved = scipy.linalg.lapack.dposv(normal, self._vectors[item].astype(np.float64))[1]
        return (weights * (self._vectors[history] @ solved)).astype(np.float32)

    def _tensors(self) -> dict[str, NDArray]:
        return {"vectors": self._vectors}

    @classmethod
    def _from_tensors(cls, tensors: Tensors, settings: BehaviorSettings, trained: NDArray[np.int32]) -> Self:
        ials_settings = IALSSettings.model_validate(settings)
        return cls(tensors.numbers("vectors", (None, ials_settings.factors)), ials_settings, trained)


def _item_regularization(users: NDArray[np.int64], settings: IALSSettings) -> NDArray[np.float64]:
    """λ of each item from its number of users; the mean over interactions is `settings.regularization`.

    Rendle et al. scale by (users + α₀·all users)^ν; the mean number of users in place of α₀·all users keeps the scaling
    alive for α₀ near 1.
    """
    if not users.any():
        return np.full(len(users), settings.regularization)
    scale = (users + users.mean()) ** settings.item_exponent
    return settings.regularization * scale / np.average(scale, weights=users)


class _Solver:
    """The least-squares problem of a row against fixed vectors `other` [n, f]: users and, in training, items.

    Solved in double precision: shares then add up to scores beyond what float32 shows. Many rows are solved in batches
    of like lengths. A row of few entries is solved in the space of its entries (see `_few`), which costs h³ in place of
    f³; for that the vectors are turned so that α₀YᵀY is diagonal.
    """

    def __init__(
        self, other: NDArray[np.float32], settings: IALSSettings, regularization: np.float64 | NDArray[np.float64]
    ) -> None:
        """`regularization` is λ for all rows, or [n_rows] one for each."""
        self._other = other.astype(np.float64)
        self._regularization = regularization
        self._base = settings.unobserved * (self._other.T @ self._other)

    @cached_property
    def _turned(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Eigenvalues [f] and eigenvectors [f, f] of the base, and the vectors [n, f] in terms of the latter."""
        strengths, directions = np.linalg.eigh(self._base)
        return np.maximum(strengths, 0.0), directions, self._other @ directions

    def row(self, row: sp.csr_array) -> _Row:
        """The problem of the only row of `row` [1, n]."""
        vectors = self._other[row.indices]
        # A weight below 0 is the confidence in a preference of -1.
        normal = self._base + vectors.T @ (np.abs(row.data[:, None]) * vectors)
        normal[np.diag_indices(len(normal))] += self._regularization
        return _Row(normal, row.data @ vectors)

    def fold_in(self, rows: sp.csr_array) -> NDArray[np.float32]:
        """The minimum for each row, float32 [n_rows, f]; a row without entries gives zeros."""
        factors = len(self._base)
        if rows.shape[0] == 1:
            normal, right = self.row(rows)
            return scipy.linalg.lapack.dposv(normal, right, overwrite_a=True)[1].astype(np.float32)[None]
        strengths, directions, turned = self._turned
        regularization = np.broadcast_to(self._regularization, rows.shape[0])
        out = np.zeros((rows.shape[0], factors), dtype=np.float64)
        for batch in _batches(np.diff(rows.indptr), factors):
            lengths = np.diff(rows.indptr)[batch]
            places = np.arange(lengths.max())
            is_entry = places < lengths[:, None]
            entries = np.where(is_entry, rows.indptr[:-1][batch][:, None] + places, 0)
            # Filled up to one length with entries of weight 0, which change nothing.
            weights = np.where(is_entry, rows.data[entries], 0.0).astype(np.float64)
            diagonal = strengths + regularization[batch, None]
            solve = _few if len(places) <= FEW * factors else _many
            out[batch] = solve(turned[rows.indices[entries]], weights, diagonal)
        return (out @ directions.T).astype(np.float32)


def _batches(lengths: NDArray[np.integer], factors: int) -> Iterator[NDArray[np.intp]]:
    """Rows of nearly one length, so that few entries fill them up, and of bounded memory; none for empty rows."""
    filled = np.flatnonzero(lengths)
    order = filled[np.argsort(lengths[filled], kind="stable")]
    steps = np.where(lengths <= 8, lengths, np.ceil(np.log(np.maximum(lengths, 1)) / np.log(_STEP)))
    for alike in np.split(order, np.flatnonzero(np.diff(steps[order])) + 1):
        if len(alike):
            size = max(1, _CELLS // (factors * max(int(lengths[alike[-1]]), factors)))
            yield from np.array_split(alike, -(-len(alike) // size))


def _many(
    vectors: NDArray[np.float64], weights: NDArray[np.float64], diagonal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """p = (D + Σ|w_j| y_j y_jᵀ)⁻¹ Σ w_j y_j [n, f] of rows with vectors [n, h, f], weights [n, h] and D [n, f]."""
    # A weight below 0 is the confidence in a preference of -1.
    normal = vectors.transpose(0, 2, 1) @ (np.abs(weights)[:, :, None] * vectors)
    places = np.arange(normal.shape[1])
    normal[:, places, places] += diagonal
    right = weights[:, None, :] @ vectors
    return np.linalg.solve(normal, right.transpose(0, 2, 1))[:, :, 0].astype(np.float64, copy=False)


def _few(
    vectors: NDArray[np.float64], weights: NDArray[np.float64], diagonal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The same by p = D⁻¹Yᵀ(I + |W| Y D⁻¹ Yᵀ)⁻¹ w, whose matrix is [h, h]."""
    divided = vectors / diagonal[:, None, :]
    inner = np.abs(weights)[:, :, None] * (divided @ vectors.transpose(0, 2, 1))
    places = np.arange(inner.shape[1])
    inner[:, places, places] += 1.0
    solved = np.linalg.solve(inner, weights[:, :, None])
    return (solved.transpose(0, 2, 1) @ divided)[:, 0]


class _Row(NamedTuple):
    """One row's problem: the matrix A [f, f] and the right side [f]."""

    normal: NDArray[np.float64]
    right: NDArray[np.float64]
