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
    index of each column, None if columns are items. Runs at some ten thousand users a second for 2,000 candidates.
    Raises ValueError for NaN scores and for shapes that do not fit.
    """
    n_users, n_candidates = scores.shape
    if len(tie_break) != n_candidates or (candidates is not None and len(candidates) != n_candidates):
        raise ValueError(f"{n_candidates} score columns do not fit tie_break ({len(tie_break)}) or candidates")
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    if np.isnan(scores).any():
        raise ValueError("scores hold NaN")
    # Columns in tie-break order: from here on "first" means "wins a tie".
    order = np.argsort(tie_break, kind="stable")
    ordered = scores[:, order]
    if excluded is not None:
        _exclude(ordered, excluded, order if candidates is None else np.asarray(candidates)[order])
    chosen = _first_best(ordered, min(k, n_candidates))
    values = np.take_along_axis(ordered, chosen, axis=1)
    by_score = np.argsort(-values, axis=1, kind="stable")
    columns = order[np.take_along_axis(chosen, by_score, axis=1)]
    values = np.take_along_axis(values, by_score, axis=1)
    items = np.full((n_users, k), -1, dtype=np.int32)
    out = np.full((n_users, k), np.nan, dtype=np.float32)
    listed = values > -np.inf
    width = values.shape[1]
    items[:, :width][listed] = (columns if candidates is None else np.asarray(candidates)[columns])[listed]
    out[:, :width][listed] = values[listed]
    return TopK(items, out)


def _exclude(ordered: NDArray[np.float32], excluded: sp.csr_array, items: NDArray[np.intp]) -> None:
    """Set the scores of each user's excluded items to -inf, in place; `items` is the item of each column."""
    if excluded.shape[0] != len(ordered):
        raise ValueError(f"excluded has {excluded.shape[0]} users, scores have {len(ordered)}")
    column_of = np.full(excluded.shape[1], -1, dtype=np.intp)
    column_of[items] = np.arange(len(items))
    users = np.repeat(np.arange(len(ordered)), np.diff(excluded.indptr))
    columns = column_of[excluded.indices]
    inside = columns >= 0
    ordered[users[inside], columns[inside]] = -np.inf


def _first_best(ordered: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """Columns of the k best of each row ascending, [n_rows, k]; of the values that equal the k-th, the first."""
    n_columns = ordered.shape[1]
    if k == n_columns:
        return np.broadcast_to(np.arange(k), (len(ordered), k))
    kth = np.partition(ordered, n_columns - k, axis=1)[:, n_columns - k, None]
    above = ordered > kth
    equal = ordered == kth
    room = k - above.sum(axis=1, keepdims=True)
    equal &= np.cumsum(equal, axis=1, dtype=np.int32) <= room
    return np.nonzero(above | equal)[1].reshape(len(ordered), k)
