"""EASE item by item, each predicted from its most similar items: memory and time grow with items times neighbours.

The weights of EASE onto an item i are the ridge regression b = (G + λI)⁻¹ g of i on all other items, G their Gram
matrix and g the products with i. Here only the k items that are most similar to i by cosine take part, so that each
item costs the solution of k equations in place of a share of the inverse over all items.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg.lapack
import scipy.sparse as sp
from numpy.typing import NDArray

from encoders.behavior.item_item import row_blocks, strongest_in_rows

_GRAM_NEIGHBOURS = 4
"""The Gram matrix keeps this many times k entries of each row."""

_COMMON = 1_000
"""Facts on a node of more items than this connect too many of them, and are left out."""


def local_weights(
    columns: sp.csr_array,
    regularization: float,
    neighbours: int,
    min_users: int,
    facts: sp.csr_array | None = None,
) -> sp.csr_array:
    """Weights csr float32 [n, n], from item to item, of histories `columns` [n_users, n].

    min_users: pairs that fewer users have together count as pairs that no user has. facts: [n, n_nodes] further rows of
    the histories, transposed, see `FactEASE`. λ is doubled for an item whose Gram matrix is not positive definite,
    which the pairs left out can cause.
    """
    gram = _gram(columns, _GRAM_NEIGHBOURS * neighbours, min_users, facts)
    scales = _scales(gram)
    n_items = gram.shape[0]
    place = np.full(n_items, -1)
    targets: list[NDArray[np.intp]] = []
    values: list[NDArray[np.float32]] = []
    for item in range(n_items):
        similar, products = _nearest(gram, item, scales, neighbours)
        place[similar] = np.arange(len(similar))
        values.append(_solved(_dense(gram, similar, place), products, regularization))
        place[similar] = -1
        targets.append(similar)
    offsets = np.concatenate([[0], np.cumsum([len(similar) for similar in targets])])
    onto = sp.csr_array((_joined(values), _joined(targets), offsets), shape=(n_items, n_items), dtype=np.float32)
    return sp.csr_array(onto.T)


def _gram(columns: sp.csr_array, kept: int, min_users: int, facts: sp.csr_array | None) -> sp.csr_array:
    """The Gram matrix csr float32 [n, n]; of each row the `kept` most similar entries, so it is not symmetric."""
    by_item = sp.csr_array(columns.T)
    lengths = np.diff(by_item.indptr).astype(np.float64)
    by_node = None
    if facts is not None:
        facts = sp.csr_array(facts[:, np.bincount(facts.indices, minlength=facts.shape[1]) <= _COMMON])
        by_node = sp.csr_array(facts.T)
        lengths += facts.power(2).sum(axis=1)
    scales = np.sqrt(np.maximum(lengths, np.finfo(np.float32).tiny))
    blocks = []
    for start, block in row_blocks(by_item, columns):
        if min_users > 1:
            rows = start + np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
            block.data[(block.data < min_users) & (block.indices != rows)] = 0.0
            block.eliminate_zeros()
        if facts is not None and by_node is not None:
            block = sp.csr_array(block + facts[start : start + block.shape[0]] @ by_node)
        # The item itself is the most similar one.
        block.data /= scales[block.indices]
        nearest = strongest_in_rows(block, kept + 1)
        nearest.data *= scales[nearest.indices]
        blocks.append(nearest.astype(np.float32))
    gram = sp.csr_array(sp.vstack(blocks, format="csr"))
    gram.sort_indices()
    return gram


def _scales(gram: sp.csr_array) -> NDArray[np.float32]:
    """Root of the diagonal, by which products become cosines, [n]."""
    return np.sqrt(np.maximum(gram.diagonal(), np.finfo(np.float32).tiny))


def _nearest(
    gram: sp.csr_array, item: int, scales: NDArray[np.float32], neighbours: int
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The items most similar to one, ascending, and their products with it."""
    entries = slice(gram.indptr[item], gram.indptr[item + 1])
    others = gram.indices[entries] != item
    similar, products = gram.indices[entries][others].astype(np.intp), gram.data[entries][others]
    if len(similar) > neighbours:
        first = np.sort(np.argsort(-products / scales[similar], kind="stable")[:neighbours])
        similar, products = similar[first], products[first]
    return similar, products


def _dense(gram: sp.csr_array, items: NDArray[np.intp], place: NDArray[np.intp]) -> NDArray[np.float64]:
    """The part of the matrix between some items, [n, n], symmetric; place: of each item among them, -1 for others."""
    counts = gram.indptr[items + 1] - gram.indptr[items]
    starts = np.repeat(gram.indptr[items] - np.cumsum(counts) + counts, counts)
    entries = starts + np.arange(counts.sum())
    columns = place[gram.indices[entries]]
    inside = columns >= 0
    dense = np.zeros((len(items), len(items)))
    dense[np.repeat(np.arange(len(items)), counts)[inside], columns[inside]] = gram.data[entries[inside]]
    # A product that one of both rows keeps counts.
    return np.maximum(dense, dense.T)


def _solved(gram: NDArray[np.float64], products: NDArray[np.float32], regularization: float) -> NDArray[np.float32]:
    if not len(products):
        return products
    while True:
        solved = scipy.linalg.lapack.dposv(gram + regularization * np.eye(len(gram)), products, overwrite_a=True)
        if solved[2] == 0:
            return solved[1].astype(np.float32)
        regularization *= 2


def _joined(parts: list[NDArray]) -> NDArray:
    return np.concatenate(parts) if parts else np.zeros(0)
