"""Ranking metrics: functions of ranked item indices that give one value per user; the caller takes the mean.

The rules are those on which most of the field agrees: relevance is binary, nDCG's ideal list is cut at
min(k, relevant), a user whose list is empty counts as zero. Statistics over users are in `fusion.significance`.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Values = NDArray[np.float64]


def hits(ranked: NDArray[np.int32], relevant: sp.csr_array) -> NDArray[np.bool_]:
    """bool [n_users, length]: whether the item at each rank is relevant.

    ranked: item indices [n_users, length], best first, -1 where a list is shorter. relevant: [n_users, n_items], stored
    entries are relevant. Raises ValueError where a list repeats an item.
    """
    ordered = np.sort(ranked, axis=1)
    if np.any((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)):
        raise ValueError("a ranked list repeats an item")
    n_items = relevant.shape[1]
    rows = np.arange(len(ranked), dtype=np.int64)
    # (user, item) as one number, so that membership is a search in a sorted array, without a dense matrix.
    relevant_keys = np.repeat(rows, np.diff(relevant.indptr)) * n_items + relevant.indices
    return np.isin(rows[:, None] * n_items + ranked, relevant_keys) & (ranked >= 0)


def recall(hits: NDArray[np.bool_], n_relevant: NDArray[np.int64], k: int) -> Values:
    """Share of a user's relevant items among the first k, [n_users]."""
    return hits[:, :k].sum(axis=1) / _at_least_one(n_relevant)


def ndcg(hits: NDArray[np.bool_], n_relevant: NDArray[np.int64], k: int) -> Values:
    """Discounted gain Σ 1/log2(rank + 1) over relevant ranks ≤ k, over that of the best list, [n_users].

    Järvelin & Kekäläinen (TOIS 2002) with binary gains; the best list has min(k, relevant) relevant items in front.
    """
    gains = 1 / np.log2(np.arange(2, k + 2))
    first = hits[:, :k]
    ideal = np.cumsum(gains)[np.minimum(_at_least_one(n_relevant), k) - 1]
    return first @ gains[: first.shape[1]] / ideal


def mrr(hits: NDArray[np.bool_], k: int) -> Values:
    """1 / rank of the first relevant item among the first k, 0 if there is none, [n_users]."""
    first = hits[:, :k]
    reciprocal = np.zeros(len(hits))
    reached = np.flatnonzero(first.any(axis=1))
    reciprocal[reached] = 1 / (np.argmax(first[reached], axis=1) + 1)
    return reciprocal


def hit_rate(hits: NDArray[np.bool_], k: int) -> Values:
    """1 where a relevant item is among the first k, else 0, [n_users]."""
    return np.any(hits[:, :k], axis=1).astype(np.float64)


def average_precision(hits: NDArray[np.bool_], n_relevant: NDArray[np.int64], k: int) -> Values:
    """Σ precision at each relevant rank ≤ k, over min(k, relevant), 1 for a perfect list, [n_users]."""
    first = hits[:, :k]
    precision = np.cumsum(first, axis=1) / np.arange(1, first.shape[1] + 1)
    return (precision * first).sum(axis=1) / np.minimum(_at_least_one(n_relevant), k)


def coverage(ranked: NDArray[np.int32], n_candidates: int, k: int) -> float:
    """Share of the candidates that are in any user's first k."""
    listed = np.unique(ranked[:, :k])
    return float((listed >= 0).sum() / n_candidates)


def novelty(ranked: NDArray[np.int32], item_users: NDArray[np.int64], n_users: int, k: int) -> Values:
    """Mean self-information of a list in bits, −log2 of the share of users who have an item, [n_users].

    Zhou et al. (PNAS 2010). item_users: number of training users of each item, [n_items], of `n_users` in all; one user
    is added to both, so that an item without users has a finite value. An empty list has 0.
    """
    bits = -np.log2((item_users + 1) / (n_users + 1))
    listed = ranked[:, :k] >= 0
    return np.where(listed, bits[ranked[:, :k]], 0.0).sum(axis=1) / np.maximum(listed.sum(axis=1), 1)


def intra_list_diversity(ranked: NDArray[np.int32], features: NDArray[np.float32] | sp.csr_array, k: int) -> Values:
    """Mean cosine distance between the items of a list, over all pairs, [n_users] (Ziegler et al., WWW 2005).

    features: [n_items, d], facts or text vectors; an item without features is at distance 1 from all. Lists of fewer
    than two items have 0.
    """
    top = ranked[:, :k]
    listed = top >= 0
    sizes = listed.sum(axis=1)
    rows = np.repeat(np.arange(len(top)), sizes)
    ones = np.ones(len(rows))
    lists = sp.csr_array((ones, (rows, top[listed])), shape=(len(top), features.shape[0]))
    units = sp.csr_array(features).astype(np.float64)
    norms = np.sqrt(np.asarray(units.multiply(units).sum(axis=1)).ravel())
    units.data /= np.repeat(np.where(norms > 0, norms, 1.0), np.diff(units.indptr))
    # Over unit vectors, Σ_{a≠b} cos(a, b) = ‖Σ_a v_a‖² − Σ_a ‖v_a‖².
    sums = lists @ units
    together = np.asarray(sums.multiply(sums).sum(axis=1)).ravel()
    alone = lists @ (norms > 0).astype(np.float64)
    pairs = sizes * (sizes - 1)
    return np.where(pairs > 0, 1 - (together - alone) / np.maximum(pairs, 1), 0.0)


def _at_least_one(n_relevant: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the counts; raise ValueError for a user without relevant items, for whom no such metric is defined."""
    if len(n_relevant) and n_relevant.min() < 1:
        raise ValueError("a user has no relevant items: leave such users out before computing metrics")
    return n_relevant
