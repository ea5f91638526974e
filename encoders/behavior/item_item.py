"""Score items by the history times a matrix of weights from item to item, with an empty diagonal.

EASE, item-kNN, RP3β and EASE over facts of the graph differ only in how the weights are computed; scoring, splitting,
saving and rebinding are here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from encoders.behavior.base import BehaviorSettings, HistoryBlock
from encoders.tensors import Tensors

DENSE_ITEMS = 4_000
"""Up to this size weights are held dense (64 MB), which scores some five times faster than sparse rows of a few
hundred."""

BLOCK_BYTES = 64 << 20
"""Memory for one block of rows while neighbours are chosen."""


class ItemItemBlock(HistoryBlock):
    """score(H, i) = Σ_j w_j W[j, i]; W is [n_fitted, n_fitted] float32, dense or csr, its diagonal is zero.

    The zero diagonal takes a target out of its own history, so scores need no correction for leave-one-out.
    """

    def __init__(
        self, weights: NDArray[np.float32] | sp.csr_array, settings: BehaviorSettings, trained: NDArray[np.int32]
    ) -> None:
        super().__init__(settings, trained)
        self._weights = weights

    @property
    def n_fitted(self) -> int:
        return self._weights.shape[0]

    def _scores(self, histories: sp.csr_array, columns: NDArray[np.intp]) -> NDArray[np.float32]:
        # Few candidates: select the columns first. Else one product and then the selection, which copies less.
        few = 2 * len(columns) < self.n_fitted
        product = histories @ (self._weights[:, columns] if few else self._weights)
        dense = product.toarray() if sp.issparse(product) else product
        # Scattered columns of a wide product cost as much as the product; all of them in order need no copy.
        is_all = few or np.array_equal(columns, np.arange(self.n_fitted))
        return np.asarray(dense if is_all else dense[:, columns], dtype=np.float32)

    def _shares(self, history: NDArray[np.intp], weights: NDArray[np.float32], item: int) -> NDArray[np.float32]:
        rows = self._weights[history][:, [item]]
        column = rows.toarray() if sp.issparse(rows) else rows
        return weights * np.asarray(column, dtype=np.float32)[:, 0]

    def _tensors(self) -> dict[str, NDArray]:
        return weight_tensors(self._weights)

    @classmethod
    def _from_tensors(cls, tensors: Tensors, settings: BehaviorSettings, trained: NDArray[np.int32]) -> Self:
        if "weights" in tensors:
            n_items = tensors.length("weights")
            return cls(tensors.numbers("weights", (n_items, n_items)), settings, trained)
        weights = tensors.csr("weights_data", "weights_indices", "weights_indptr", (None, None))
        return cls(weights, settings, trained)


def weight_tensors(weights: NDArray[np.float32] | sp.csr_array) -> dict[str, NDArray]:
    """The arrays that `ItemItemBlock` keeps of its weights."""
    if isinstance(weights, np.ndarray):
        return {"weights": weights}
    return {
        "weights_data": weights.data,
        "weights_indices": weights.indices.astype(np.int32, copy=False),
        "weights_indptr": weights.indptr.astype(np.int64, copy=False),
    }


def compact(weights: sp.csr_array) -> NDArray[np.float32] | sp.csr_array:
    """Weights in the form that `ItemItemBlock` scores fastest at this size."""
    weights = weights.astype(np.float32)
    weights.sort_indices()
    return weights.toarray() if weights.shape[0] <= DENSE_ITEMS else weights


def row_blocks(left: sp.csr_array, right: sp.csr_array) -> Iterator[tuple[int, sp.csr_array]]:
    """The rows of left @ right as (first row, sparse block), so that the whole product is never in memory."""
    # A row of the product has at most right.shape[1] entries of 8 bytes (value and index).
    step = max(1, BLOCK_BYTES // (8 * max(1, right.shape[1])))
    for start in range(0, left.shape[0], step):
        yield start, sp.csr_array(left[start : start + step] @ right)


def strongest_in_rows(block: sp.csr_array, k: int) -> sp.csr_array:
    """Only the k largest positive entries of each row, and all that equal the k-th.

    Keeping ties makes the choice a function of the values alone: never of item order, which often follows popularity.
    """
    keep = block.data > 0
    for row in np.flatnonzero(np.diff(block.indptr) > k):
        entries = slice(block.indptr[row], block.indptr[row + 1])
        values = block.data[entries]
        keep[entries] &= values >= np.partition(values, len(values) - k)[len(values) - k]
    counts = np.concatenate([[0], np.cumsum(keep)])
    return sp.csr_array((block.data[keep], block.indices[keep], counts[block.indptr]), shape=block.shape)


def drop_diagonal(block: sp.csr_array, first_row: int) -> None:
    """Set the entries of a block of rows that lie on the whole matrix's diagonal to zero, in place."""
    rows = first_row + np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
    block.data[block.indices == rows] = 0.0
