"""Rank the k best candidates of each user by score, with exclusions and one rule for equal scores.

Equal scores are ordered by a hash of the item's id. Ids and load order often follow popularity (MovieLens's do), so
ordering ties by either would give a model with constant scores the accuracy of popularity.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

_GROUPS = 8
"""Number of groups per place of a list; with this many, few groups hold two of the k best."""

_LEAST_GROUPS = 512
"""Lower bound of the number of groups; their best scores are found over long runs of memory, so fewer take longer."""


class TopK(NamedTuple):
    """Ranked lists, best first. Lists shorter than k end in item -1 with score NaN."""

    items: NDArray[np.int32]
    """Item indices [n_users, k]."""
    scores: NDArray[np.float32]
    """Their scores [n_users, k]."""


def tie_break_keys(ids: Sequence[str]) -> NDArray[np.uint64]:
    """uint64 [n]: a fixed hash that orders items of equal score, the same on every machine."""
    digests = b"".join(hashlib.blake2b(id.encode(), digest_size=8).digest() for id in ids)
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64)


def top_k(
    scores: NDArray[np.float32],
    k: int,
    *,
    tie_break: NDArray[np.uint64],
    excluded: sp.csr_array | None = None,
    candidates: NDArray[np.intp] | None = None,
) -> TopK:
    """Return the k best candidates of each user, equal scores in ascending order of `tie_break`.

    scores: [n_users, n_candidates]; -inf removes a candidate from that user's list. tie_break: `tie_break_keys` of the
    candidates, [n_candidates]. excluded: [n_users, n_items], stored entries are never listed. candidates: the item
    index of each column, None if columns are items. Some ten thousand users a second at 2,000 candidates.
    Raises ValueError for NaN scores and for shapes that do not fit.
    """
    n_users, n_candidates = scores.shape
    if len(tie_break) != n_candidates or (candidates is not None and len(candidates) != n_candidates):
        raise ValueError(f"{n_candidates} score columns do not fit tie_break ({len(tie_break)}) or candidates")
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    competing = scores.astype(np.float32)
    if excluded is not None:
        _exclude(competing, excluded, candidates)
    users, columns = _contenders(competing, min(k, n_candidates), tie_break)
    values = competing[users, columns]
    if np.isnan(values).any():
        raise ValueError("scores hold NaN")
    order = np.lexsort((tie_break[columns], -values, users))
    users, columns, values = users[order], columns[order], values[order]
    # Every user has a run of contenders, best first; ranks count from each run's start.
    counts = np.bincount(users, minlength=n_users)
    ranks = np.arange(len(users)) - np.repeat(np.cumsum(counts) - counts, counts)
    listed = (ranks < k) & (values > -np.inf)
    users, columns, ranks, values = users[listed], columns[listed], ranks[listed], values[listed]
    items = np.full((n_users, k), -1, dtype=np.int32)
    best_scores = np.full((n_users, k), np.nan, dtype=np.float32)
    items[users, ranks] = columns if candidates is None else np.asarray(candidates)[columns]
    best_scores[users, ranks] = values
    return TopK(items, best_scores)


def _exclude(scores: NDArray[np.float32], excluded: sp.csr_array, items: NDArray[np.intp] | None) -> None:
    """Set the scores of each user's excluded items to -inf, in place; `items` is the item of each column, None where
    columns are items.
    """
    if excluded.shape[0] != len(scores):
        raise ValueError(f"excluded has {excluded.shape[0]} users, scores have {len(scores)}")
    users = np.repeat(np.arange(len(scores)), np.diff(excluded.indptr))
    if items is None:
        scores[users, excluded.indices] = -np.inf
        return
    column_of = np.full(excluded.shape[1], -1, dtype=np.intp)
    column_of[items] = np.arange(len(items))
    columns = column_of[excluded.indices]
    inside = columns >= 0
    scores[users[inside], columns[inside]] = -np.inf


def _contenders(
    scores: NDArray[np.float32], k: int, tie_break: NDArray[np.uint64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns of at least the k best of each row, ties broken correctly, and few more; NaN is
    included."""
    if k == scores.shape[1]:
        rows, columns = np.divmod(np.arange(scores.size), k)
        return rows, columns
    least = lower_bounds(scores, k)
    chosen = ~(scores < least)
    counts = np.count_nonzero(chosen, axis=1)
    # Many contenders are left if scores are equal, as all are for a user without history: of those equal to the k-th
    # best, only the first by hash are needed.
    for row in np.flatnonzero(counts > 4 * k):
        chosen[row] = False
        chosen[row, _best(scores[row], k, least[row, 0], tie_break)] = True
    rows, columns = np.nonzero(chosen)
    return rows, columns


def lower_bounds(scores: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    """For each row, a score that its k-th best and, unless its scores are equal, few others reach; [n_users, 1].

    The row is split into groups, and the k-th best of the groups' best scores is taken: one pass over the scores,
    where finding the k-th best of all would take several.
    """
    n_users, n_candidates = scores.shape
    n_groups = max(_GROUPS * k, _LEAST_GROUPS)
    size = n_candidates // n_groups
    best = scores
    if size > 1:
        best = scores[:, : n_groups * size].reshape(n_users, size, n_groups).max(axis=1)
        rest = scores[:, n_groups * size :]
        np.maximum(best[:, : rest.shape[1]], rest, out=best[:, : rest.shape[1]])
    return _kth_best(best, k)


def _kth_best(scores: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    """The k-th best of each row, [n_users, 1]; NaN counts as the worst."""
    # Negated, because partition takes many times longer for a place at the end of a long run of equal numbers.
    return -np.partition(-scores, k - 1, axis=1)[:, k - 1 : k]


def _best(scores: NDArray[np.float32], k: int, least: np.float32, tie_break: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Columns of the k best of one row, and of NaN; `least` as in `lower_bounds`."""
    better = np.flatnonzero(~(scores <= least))
    if len(better) > k:
        least = _kth_best(scores[better][None, :], k)[0, 0]
        better = np.flatnonzero(~(scores <= least))
    # Fewer than k are better than `least` now, and at least k reach it, so it is the k-th best.
    equal = np.flatnonzero(scores == least)
    room = k - len(better)
    if 0 < room < len(equal):
        equal = equal[np.argpartition(tie_break[equal], room - 1)[:room]]
    return np.concatenate([better, equal])
