"""Cross-fitting: compute block scores of events, items and users that the blocks have not seen, to fit the gates on.

Every fold (`fusion.folds`) fits all blocks on the histories that it has seen, and scores candidates for what it holds
out. The first fold also chooses how the events of a history count for each block, where they can differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoders.behavior.rare import coarse_counts, without_rare_items
from encoders.block import Block, Catalogue
from encoders.history_weights import HistoryWeights
from fusion.folds import Fold, HeldOut
from fusion.gate_inputs import Examples, ItemSide
from fusion.settings import CrossFitSettings
from fusion.user_weights import Weighed
from kg.histories import Histories

FitAll = Callable[[Histories, int], Mapping[str, Block]]
"""Fits all blocks on histories; the number is that of the fold, for seeds and progress."""

ChooseWeights = Callable[[Mapping[str, Block], HeldOut], Mapping[str, HistoryWeights]]
"""Chooses the weights of each block's histories on held-out events."""

SPREAD_USERS = 500
"""Number of histories on which a block's spread is measured."""

LEAST_SPREAD = 0.1
"""Lower bound of a block's spread, as a share of the size of its scores."""


@dataclass(frozen=True, eq=False)
class CrossFit:
    """The blocks' names in the order of their scores, the weights of their histories, and the examples of all folds."""

    names: tuple[str, ...]
    weights: Mapping[str, HistoryWeights]
    examples: tuple[Examples, ...]


def cross_fit(
    folds: Iterable[Fold],
    catalogue: Catalogue,
    relations: tuple[str, ...],
    fit_all: FitAll,
    settings: CrossFitSettings,
    *,
    seed: int,
    min_users: int = 1,
    choose: ChooseWeights | None = None,
) -> CrossFit:
    """Fit all folds.

    min_users: the floor of the model; it applies to every fold as to the final fit. choose: called with the blocks and
    the held-out events of the first fold that has any; without it all events count the same.
    """
    rng = np.random.default_rng(seed)
    examples: list[Examples] = []
    names: tuple[str, ...] = ()
    weights: Mapping[str, HistoryWeights] = {}
    for number, fold in enumerate(folds):
        seen = without_rare_items(fold.seen, min_users)
        blocks = fit_all(seen, number)
        names = tuple(blocks)
        events = fold.of("events")
        if choose is not None and events is not None and not weights:
            weights = choose(blocks, events)
        weighed = [Weighed(block, weights.get(name, HistoryWeights())) for name, block in blocks.items()]
        users = coarse_counts(seen.item_users(), min_users)
        side = ItemSide.of(catalogue.graph, users, (users == 0) & ~fold.items, relations)
        spreads = np.array([spread(block, fold.seen, side.users) for block in weighed], dtype=np.float32)
        for held_out in fold.held_out:
            examples.append(_examples(held_out, weighed, spreads, side, settings, rng))
        # The next fold's blocks are fitted without these in memory.
        del blocks, weighed
    return CrossFit(names, weights, tuple(examples))


def spread(block: Weighed, histories: Histories, users: NDArray[np.float32]) -> float:
    """Standard deviation of a block's scores over warm items outside the history, the gates' unit.

    At least `LEAST_SPREAD` of their size: where all these items score the same, the deviation is only rounding error,
    and in this unit an item with another score, such as a new one, would be millions away.
    """
    users_with_events = np.flatnonzero(~histories.is_empty)
    places = np.linspace(0, len(users_with_events) - 1, min(SPREAD_USERS, len(users_with_events))).astype(np.intp)
    sample = histories.take(users_with_events[np.unique(places)])
    warm = np.flatnonzero(users > 0)
    if not len(warm) or not len(sample):
        return 1.0
    scores = block.scores(sample, warm)
    outside = sample.known()[:, warm].toarray() == 0
    if not outside.any():
        return 1.0
    scores_outside = scores[outside].astype(np.float64)
    unit = max(float(scores_outside.std()), LEAST_SPREAD * float(np.sqrt(np.square(scores_outside).mean())))
    return unit if unit > 0 else 1.0


def _examples(
    held_out: HeldOut,
    blocks: Sequence[Weighed],
    spreads: NDArray[np.float32],
    side: ItemSide,
    settings: CrossFitSettings,
    rng: np.random.Generator,
) -> Examples:
    """Choose each user's candidates (the targets, the hardest, some of the rest) and keep their scores."""
    histories, candidates = held_out.histories, held_out.candidates
    excluded, targets = held_out.excluded, held_out.targets
    most = int(np.diff(targets.indptr).max())
    hard = min(settings.hard_candidates + most, len(candidates))
    drawn = min(settings.random_candidates, len(candidates) - hard)
    n_users = len(histories)
    kept = np.zeros((n_users, hard + drawn, len(blocks)), dtype=np.float32)
    items = np.zeros((n_users, hard + drawn), dtype=np.int32)
    is_target = np.zeros((n_users, hard + drawn), dtype=bool)
    log_weights = np.zeros((n_users, hard + drawn), dtype=np.float32)
    # Blocks score nothing for an empty history, whose hardest candidates are the popular ones.
    popular = np.log1p(side.users[candidates])
    popular /= max(float(popular.std()), 1e-6)
    size = max(1, 4_000_000 // (len(candidates) * len(blocks)))
    for first in range(0, n_users, size):
        rows = slice(first, min(first + size, n_users))
        batch = histories.take(rows)
        scores = np.stack([block.scores(batch, candidates) for block in blocks], axis=2)
        scores /= spreads
        target_mask = targets[rows][:, candidates].toarray() > 0
        excluded_mask = excluded[rows][:, candidates].toarray() > 0
        priority = scores.sum(axis=2) + popular + 1e-6 * rng.random(target_mask.shape)
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
    return Examples(kept, histories.lengths.astype(np.float32), items, is_target, log_weights, side, held_out.kind)


def _all(priority: NDArray[np.float32]) -> NDArray[np.intp]:
    return np.broadcast_to(np.arange(priority.shape[1]), priority.shape)
