"""EASE: embarrassingly shallow autoencoders for sparse data (Steck, WWW 2019, arXiv 1905.03375), in closed form."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import scipy.linalg
import scipy.linalg.lapack
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import Field

from encoders.behavior.base import BehaviorBlock, BehaviorSettings, CatalogueTooLarge
from encoders.behavior.item_item import ItemItemBlock, compact, weight_tensors
from encoders.behavior.local_ease import local_weights
from encoders.behavior.rare import drop_rare_pairs
from encoders.search_space import Between, SearchSpace

_log = logging.getLogger(__name__)

MAX_ITEMS = 12_000
"""Items with interactions up to which the inverse is computed: it costs n³ (10,000 items 29 s on two cores, 20,000
items 250 s and 5 GB), the weights n² (12,000 items 0.6 GB in the model). Beyond, see `encoders.behavior.local_ease`."""


class EASESettings(BehaviorSettings):
    """Settings of `EASE`."""

    regularization: float = Field(default=250.0, gt=0)
    """λ of the ridge regression; grows with the number of users, some hundreds for thousands of users."""

    neighbours: int = Field(default=100, ge=1, le=2000)
    """k: in a catalogue of more than 12,000 items with interactions, each is predicted from its k most similar items
    alone, which is about as good."""


class EASE(ItemItemBlock, BehaviorBlock):
    """W = argmin ‖X − XW‖² + λ‖W‖² with diag(W) = 0: with P = (XᵀX + λI)⁻¹ it is W[j, i] = −P[j, i] / P[i, i]."""

    name: str = "ease"
    summary: ClassVar[str] = "Closed-form item-item model."
    settings_type = EASESettings
    search_space: ClassVar[SearchSpace] = {"regularization": Between(1.0, 100_000.0, step=2.0)}
    refits: ClassVar[bool] = True

    @classmethod
    def _learned(cls, seen: sp.csr_array, settings: BehaviorSettings, rng: np.random.Generator) -> dict[str, NDArray]:
        """See `BehaviorBlock`."""
        assert isinstance(settings, EASESettings)
        # Items without interactions have rows of zeros outside the diagonal: they are left out.
        active = np.unique(seen.indices)
        columns = sp.csr_array(seen[:, active])
        if len(active) > MAX_ITEMS:
            local = local_weights(columns, settings.regularization, settings.neighbours, settings.min_users)
            return weight_tensors(compact(spread_over(local, active, seen.shape[1])))
        weights = np.zeros((seen.shape[1], seen.shape[1]), dtype=np.float32)
        if len(active):
            weights[np.ix_(active, active)] = ease_weights(
                lambda: user_gram(columns, settings.min_users), settings.regularization, cls.name
            )
        return weight_tensors(weights)


def spread_over(weights: sp.csr_array, active: NDArray[np.int32], n_items: int) -> sp.csr_array:
    """Weights between the active items as weights between all, csr [n_items, n_items]."""
    counts = np.zeros(n_items, dtype=np.int64)
    counts[active] = np.diff(weights.indptr)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return sp.csr_array((weights.data, active[weights.indices], offsets), shape=(n_items, n_items))


def active_items(seen: sp.csr_array) -> NDArray[np.int32]:
    """The items with interactions, ascending. Raises CatalogueTooLarge beyond `MAX_ITEMS` of them."""
    active = np.unique(seen.indices)
    if len(active) > MAX_ITEMS:
        raise CatalogueTooLarge(
            f"it inverts a dense matrix over all items with interactions, and {len(active):,} items are more "
            f"than its limit of {MAX_ITEMS:,}. Use ease, rp3beta or ials, which grow with the interactions."
        )
    return active


def user_gram(columns: sp.csr_array, min_users: int) -> NDArray[np.float32]:
    """XᵀX [n, n] of histories X float32 [n_users, n], without the pairs that fewer users have together."""
    gram = sp.csr_array(columns.T @ columns).toarray()
    drop_rare_pairs(gram, min_users)
    return gram


def ease_weights(gram_of: Callable[[], NDArray[np.float32]], regularization: float, block: str) -> NDArray[np.float32]:
    """EASE's weights from the Gram matrix XᵀX that `gram_of` makes, see `regularized_factor`.

    Single precision halves time and memory; at λ = 250 the weights differ from double precision by 2e-7 at most.
    """
    factor = regularized_factor(gram_of, regularization, block)[0]
    # A third of the work and memory of solving against the identity; only the lower triangle comes back.
    inverse = scipy.linalg.lapack.spotri(factor, lower=True, overwrite_c=True)[0]
    np.copyto(inverse, inverse.T, where=np.tri(len(inverse), k=-1, dtype=bool).T)
    inverse /= -np.diag(inverse).copy()
    np.fill_diagonal(inverse, 0.0)
    return inverse


def regularized_factor(
    gram_of: Callable[[], NDArray[np.float32]], regularization: float, block: str
) -> tuple[NDArray[np.float32], bool]:
    """Cholesky factor of a Gram matrix plus λI, as `scipy.linalg.cho_solve` takes it.

    gram_of: makes the matrix each time it is called; it is overwritten. Without its rare pairs a Gram matrix may have
    negative eigenvalues. Where λ does not outweigh them it is doubled until it does, which is logged with the
    block's name.
    """
    while True:
        gram = gram_of()
        gram[np.diag_indices(len(gram))] += regularization
        try:
            # The transpose of the symmetric matrix is in LAPACK's order, so that no copy is made.
            return scipy.linalg.cho_factor(gram.T, lower=True, overwrite_a=True, check_finite=False)
        except np.linalg.LinAlgError:
            regularization *= 2
            _log.warning(
                "%s: the regularization is too small for the number of pairs of items left out; it is raised to %g",
                block,
                regularization,
            )
