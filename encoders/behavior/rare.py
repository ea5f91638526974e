"""Leave out what few users have in common (items, pairs of items, exact counts), so that it cannot be read from a
model.

With an item that only one user had, the weights of an item-item model reveal that user's whole history. Below a floor
of n users an item counts as one without interactions, a pair of items as one that no user had together.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from kg.histories import Histories

_CHANCE = 0.5
"""Width of a step of counts, in standard deviations of a count by chance (its square root): a rounding changes rankings
less than chance does."""


def without_rare_items(histories: Histories, min_users: int) -> Histories:
    """The histories without events on the items that fewer users have; users and items keep their indices."""
    kept = (histories.item_users() >= min_users)[histories.items]
    return histories if kept.all() else histories.keep(kept)


def drop_rare_pairs(gram: NDArray[np.floating], min_users: int) -> None:
    """Set a Gram matrix's entries of pairs that fewer users have together to zero, in place; the diagonal is kept.

    gram: XᵀX [n, n] of a binary X, so that it holds how many users have each pair.
    """
    if min_users <= 1:
        return
    rare = gram < min_users
    np.fill_diagonal(rare, False)
    gram[rare] = 0.0


def frequent_pairs(left: sp.csr_array, right: sp.csr_array, min_users: int) -> sp.csr_array:
    """Ones [n_rows, n_items] where an item (row of `left` [n_rows, n_users]) and another (column of `right`
    [n_users, n_items]) have enough users in common.
    """
    common = sp.csr_array(left.astype(bool).astype(np.float64) @ right.astype(bool).astype(np.float64))
    common.data = (common.data >= min_users).astype(np.float64)
    common.eliminate_zeros()
    return common


def coarse_counts(counts: NDArray[np.floating | np.integer], min_users: int) -> NDArray[np.float32]:
    """Numbers of users, float32 of the same shape, rounded to steps: 0 below the floor, then the middle of a step of at
    least `min_users` counts and at least half their square root. A floor of 1 leaves them unchanged.
    """
    exact = np.asarray(counts, dtype=np.float64)
    if min_users <= 1:
        return exact.astype(np.float32)
    edges = [float(min_users)]
    while edges[-1] <= exact.max(initial=0.0):
        edges.append(edges[-1] + max(min_users, np.floor(edges[-1] ** 0.5 * _CHANCE)))
    steps = np.searchsorted(edges, exact, side="right")
    # A step of [a, b) holds a, …, b - 1.
    middles = [0.0, *((low + high - 1) / 2 for low, high in pairwise(edges)), edges[-1]]
    return np.asarray(middles, dtype=np.float32)[steps]
