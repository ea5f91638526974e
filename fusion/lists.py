"""Make ranked lists of many users with a model, in batches of users, for serving and for evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fusion.ranking import TopK, top_k
from kg.histories import Histories

BATCH_CELLS = 16_000_000
"""Number of scores in memory at a time: 64 MB in float32, a few times that while ranking."""

_DENSE_SHARE = 0.2
"""Above this share of the items, and for one user, all items are scored, as gathering candidates takes longer."""


class Scorer(Protocol):
    """Anything that scores candidates for histories: a block, a fused ranker, an external model."""

    def scores(self, histories: Histories, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """float32 [n_users, n_candidates]; candidates are item indices, None for all."""
        ...


def score_batches(
    model: Scorer, histories: Histories, candidates: NDArray[np.intp] | None = None, *, batch: int | None = None
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yield scores of consecutive users, with their rows: float32 [rows, n_candidates].

    batch: number of users per batch, by default as many as `BATCH_CELLS` allows.
    """
    width = histories.n_items if candidates is None else len(candidates)
    size = batch or max(1, BATCH_CELLS // max(width, 1))
    for first in range(0, len(histories), size):
        rows = slice(first, min(first + size, len(histories)))
        yield rows, model.scores(histories if size >= len(histories) else histories.take(rows), candidates)


def ranked_lists(
    model: Scorer,
    histories: Histories,
    k: int,
    *,
    tie_break: NDArray[np.uint64],
    excluded: sp.csr_array,
    candidates: NDArray[np.intp] | None = None,
    batch: int | None = None,
) -> Iterator[TopK]:
    """Yield the k best candidates of each user, in batches of consecutive users; every list has k places.

    tie_break: `tie_break_keys` of all items. excluded: csr [n_users, n_items], stored entries are never listed.
    candidates: item indices, ascending, None for all. batch: see `score_batches`.
    """
    if candidates is not None and not len(candidates):
        yield no_lists(len(histories), k)
        return
    allowed = None
    if candidates is not None and (len(histories) == 1 or len(candidates) >= _DENSE_SHARE * histories.n_items):
        allowed = np.zeros(histories.n_items, dtype=bool)
        allowed[candidates] = True
        candidates = None
    keys = tie_break if candidates is None else tie_break[candidates]
    for rows, batch_scores in score_batches(model, histories, candidates, batch=batch):
        scores = batch_scores if allowed is None else np.where(allowed, batch_scores, np.float32(-np.inf))
        batch_excluded = excluded if rows == slice(0, excluded.shape[0]) else sp.csr_array(excluded[rows])
        yield top_k(scores, k, tie_break=keys, excluded=batch_excluded, candidates=candidates)


def no_lists(n_users: int, k: int) -> TopK:
    """Empty lists."""
    return TopK(np.full((n_users, k), -1, np.int32), np.full((n_users, k), np.nan, np.float32))


def joined(lists: Iterator[TopK], k: int) -> TopK:
    """Join the lists of all batches, [n_users, k]."""
    batches = [no_lists(0, k), *lists]
    return TopK(np.concatenate([batch.items for batch in batches]), np.concatenate([batch.scores for batch in batches]))
