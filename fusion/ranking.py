"""From scores to ranked lists: the k best candidates of each user, with exclusions and one rule for equal scores.

Equal scores are ordered by a hash of the item's id. Ids and load order often follow popularity (MovieLens's do), so
ordering ties by either would lend a model without opinion the accuracy of popularity.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray


class TopK(NamedTuple):
    """Ranked lists, best first. Lists shorter than k end in item -1 with score NaN."""

    items: NDArray[np.int32]
    """Item indices [n_users, k]."""
    scores: NDArray[np.float32]
    """Their scores [n_users, k]."""


def tie_break_keys(ids: Sequence[str]) -> NDArray[np.uint64]:
    """uint64 [n]: the fixed hash by which items of equal score are ordered, the same on every machine."""
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
    """The k best candidates of each user, equal scores in ascending order of `tie_break`.

    scores: [n_users, n_candidates]; -inf takes a candidate out of that user's list. tie_break: `tie_break_keys` of the
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
    out = np.full((n_users, k), np.nan, dtype=np.float32)
    items[users, ranks] = columns if candidates is None else np.asarray(candidates)[columns]
    out[users, ranks] = values
    return TopK(items, out)


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
    """Rows and columns of at least the k best of each row, ties broken right, and few more; NaN is among them."""
    if k == scores.shape[1]:
        rows, columns = np.divmod(np.arange(scores.size), k)
        return rows, columns
    # torch's selection, as numpy's partition takes 20 to 50 times as long where many scores are equal (sparse blocks).
    kth = torch.topk(torch.from_numpy(scores), k, dim=1).values[:, -1:].numpy()
    chosen = ~(scores < kth)
    # A user without history has all scores equal: of the many that equal the k-th only the first by hash are needed.
    for row in np.flatnonzero(np.count_nonzero(chosen, axis=1) > 4 * k):
        equal = np.flatnonzero(scores[row] == kth[row])
        room = k - np.count_nonzero(scores[row] > kth[row])
        if 0 < room < len(equal):
            chosen[row, equal] = False
            chosen[row, equal[np.argpartition(tie_break[equal], room - 1)[:room]]] = True
    rows, columns = np.nonzero(chosen)
    return rows, columns
