"""Cross-fitting: compute block scores of events and items that the blocks have not seen, to fit the gates on.

Every fold holds out some events of every user and some whole items, fits all blocks on the rest, and scores the users'
candidates from the rest of their histories (so a target is never in its own history). Some histories are cut to a few
items. Held-out events compete with all other items; items held out whole compete among themselves, because how often
an item stays cold in a random split says nothing about new items.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from encoders.behavior.rare import coarse_counts, without_rare_items
from encoders.block import Block, Catalogue
from fusion.gate_inputs import Examples, ItemSide
from fusion.settings import CrossFitSettings
from kg.histories import Histories

FitAll = Callable[[Histories, int], Mapping[str, Block]]
"""Fits all blocks on histories; the number is that of the fold, for seeds and progress."""

SPREAD_USERS = 500
"""Number of histories on which a block's spread is measured."""

LEAST_SPREAD = 0.1
"""Lower bound of a block's spread, as a share of the size of its scores."""


@dataclass(frozen=True, eq=False)
class _Fold:
    """`seen`: histories that blocks are fitted on; `events`: held-out pairs on items that are not held out; `cold`:
    pairs on items held out whole; both csr [n_users, n_items]. `items` bool [n_items]: held out whole.
    """

    seen: Histories
    events: sp.csr_array
    cold: sp.csr_array
    items: NDArray[np.bool_]


def cross_fit(
    histories: Histories,
    catalogue: Catalogue,
    relations: tuple[str, ...],
    fit_all: FitAll,
    settings: CrossFitSettings,
    *,
    seed: int,
    min_users: int = 1,
) -> tuple[tuple[str, ...], list[Examples]]:
    """Examples of all folds, and the blocks' names in the order of their scores.

    min_users: the floor of the model; it applies to every fold as to the final fit.
    """
    rng = np.random.default_rng(seed)
    examples: list[Examples] = []
    names: tuple[str, ...] = ()
    for number, fold in enumerate(_folds(histories, settings, rng)):
        seen = without_rare_items(fold.seen, min_users)
        blocks = fit_all(seen, number)
        names = tuple(blocks)
        users = coarse_counts(seen.item_users(), min_users)
        dormant = (users == 0) & ~fold.items
        side = ItemSide.of(catalogue.graph, users, dormant, relations)
        examples += _fold_examples(fold, list(blocks.values()), side, settings, rng)
    return names, examples


def spread(block: Block, histories: Histories, users: NDArray[np.float32]) -> float:
    """Standard deviation of a block's scores over warm items outside the history, the gates' unit.

    At least `LEAST_SPREAD` of their size: where all these items score the same, the deviation is only rounding error,
    and in this unit an item with another score, such as a new one, would be millions away.
    """
    rows = np.linspace(0, len(histories) - 1, min(SPREAD_USERS, len(histories))).astype(np.intp)
    sample = histories.take(np.unique(rows))
    warm = np.flatnonzero(users > 0)
    if not len(warm) or not len(sample):
        return 1.0
    scores = block.scores(sample, warm)
    outside = sample.matrix()[:, warm].toarray() == 0
    if not outside.any():
        return 1.0
    scores_outside = scores[outside].astype(np.float64)
    unit = max(float(scores_outside.std()), LEAST_SPREAD * float(np.sqrt(np.square(scores_outside).mean())))
    return unit if unit > 0 else 1.0


def _folds(histories: Histories, settings: CrossFitSettings, rng: np.random.Generator) -> list[_Fold]:
    """Yield folds over disjoint (user, item) pairs and disjoint items, in the order of a random permutation."""
    matrix, n_items = histories.matrix(), histories.n_items
    warm = np.flatnonzero(np.bincount(matrix.indices, minlength=n_items))
    shuffled = rng.permutation(warm)
    take = max(1, int(len(warm) * min(settings.held_out_items, 1 / settings.folds)))
    users = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    draw = rng.random(matrix.nnz)
    step = min(settings.held_out_events, 1 / settings.folds)
    folds = []
    for number in range(settings.folds):
        items = np.zeros(n_items, dtype=bool)
        items[shuffled[number * take : (number + 1) * take]] = True
        cold = items[matrix.indices]
        held = (draw >= number * step) & (draw < (number + 1) * step) & ~cold
        seen = histories.keep_entries(~cold & ~held)
        folds.append(_Fold(seen, _part(matrix, users, held), _part(matrix, users, cold), items))
    return folds


def _part(matrix: sp.csr_array, users: NDArray[np.intp], rows: NDArray[np.bool_]) -> sp.csr_array:
    return sp.csr_array((matrix.data[rows], (users[rows], matrix.indices[rows])), shape=matrix.shape)


def _fold_examples(
    fold: _Fold, blocks: Sequence[Block], side: ItemSide, settings: CrossFitSettings, rng: np.random.Generator
) -> list[Examples]:
    active = np.flatnonzero((np.diff(fold.events.indptr) + np.diff(fold.cold.indptr)) * fold.seen.lengths)
    if len(active) > settings.max_users:
        active = np.sort(rng.choice(active, settings.max_users, replace=False))
    full = fold.seen.take(active)
    histories = _cut(full, settings.short_histories, rng)
    spreads = np.array([spread(block, full, side.users) for block in blocks], dtype=np.float32)
    examples: list[Examples] = []
    competing = np.flatnonzero(~fold.items)
    for targets, candidates, cold in ((fold.events, competing, False), (fold.cold, np.flatnonzero(fold.items), True)):
        active_targets = sp.csr_array(targets[active])
        rows = np.flatnonzero(np.diff(active_targets.indptr))
        if not len(rows) or len(candidates) < 2:
            continue
        args = (histories.take(rows), full.take(rows).matrix(), sp.csr_array(active_targets[rows]))
        examples.append(_examples(*args, candidates, blocks, spreads, side, settings, cold, rng))
    return examples


def _examples(
    histories: Histories,
    excluded: sp.csr_array,
    targets: sp.csr_array,
    candidates: NDArray[np.intp],
    blocks: Sequence[Block],
    spreads: NDArray[np.float32],
    side: ItemSide,
    settings: CrossFitSettings,
    cold: bool,
    rng: np.random.Generator,
) -> Examples:
    """Choose each user's candidates (the targets, the hardest, some of the rest) and keep their scores."""
    most = int(np.diff(targets.indptr).max())
    hard = min(settings.hard_candidates + most, len(candidates))
    drawn = min(settings.random_candidates, len(candidates) - hard)
    n_users = len(histories)
    kept = np.zeros((n_users, hard + drawn, len(blocks)), dtype=np.float32)
    items = np.zeros((n_users, hard + drawn), dtype=np.int32)
    is_target = np.zeros((n_users, hard + drawn), dtype=bool)
    log_weights = np.zeros((n_users, hard + drawn), dtype=np.float32)
    size = max(1, 4_000_000 // (len(candidates) * len(blocks)))
    for first in range(0, n_users, size):
        rows = slice(first, min(first + size, n_users))
        batch = histories.take(rows)
        scores = np.stack([block.scores(batch, candidates) for block in blocks], axis=2)
        scores /= spreads
        target_mask = targets[rows][:, candidates].toarray() > 0
        excluded_mask = excluded[rows][:, candidates].toarray() > 0
        priority = scores.sum(axis=2) + 1e-6 * rng.random(target_mask.shape)
        priority[excluded_mask] = -np.inf
        priority[target_mask] = np.inf
        best = np.argpartition(-priority, hard - 1, axis=1)[:, :hard] if hard < len(candidates) else _all(priority)
        draw = rng.random(target_mask.shape)
        draw[excluded_mask] = -1.0
        np.put_along_axis(draw, best, -1.0, axis=1)
        random = np.argpartition(-draw, drawn - 1, axis=1)[:, :drawn] if drawn else best[:, :0]
        remaining = np.maximum((draw >= 0).sum(axis=1), 1)
        chosen = np.concatenate([best, random], axis=1)
        kept[rows] = np.take_along_axis(scores, chosen[:, :, None], axis=1)
        items[rows] = candidates[chosen]
        is_target[rows] = np.take_along_axis(target_mask, chosen, axis=1)
        weight = np.zeros(chosen.shape, dtype=np.float32)
        if drawn:
            weight[:, hard:] = np.log(np.maximum(remaining / drawn, 1.0))[:, None]
            weight[:, hard:][np.take_along_axis(draw, random, axis=1) < 0] = -np.inf
        weight[:, :hard][np.take_along_axis(excluded_mask, best, axis=1)] = -np.inf
        log_weights[rows] = weight
    return Examples(kept, histories.lengths.astype(np.float32), items, is_target, log_weights, side, cold)


def _all(priority: NDArray[np.float32]) -> NDArray[np.intp]:
    return np.broadcast_to(np.arange(priority.shape[1]), priority.shape)


def _cut(histories: Histories, share: float, rng: np.random.Generator) -> Histories:
    """The same with a random share of the users cut to 1 to 10 of their items."""
    matrix = histories.matrix()
    users = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    limits = np.where(rng.random(matrix.shape[0]) < share, rng.integers(1, 11, matrix.shape[0]), matrix.nnz + 1)
    order = np.lexsort((rng.random(matrix.nnz), users))
    rank = np.empty(matrix.nnz, dtype=np.int64)
    rank[order] = np.arange(matrix.nnz) - matrix.indptr[users[order]]
    return histories.keep_entries(rank < limits[users])
