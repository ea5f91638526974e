from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from encoders.behavior import Popularity
from encoders.block import Block
from fusion.crossfit import _cut, _folds, cross_fit, spread
from fusion.gate_inputs import Examples
from fusion.settings import CrossFitSettings
from kg.histories import Histories
from tests.planted import domain

SETTINGS = CrossFitSettings(folds=3, short_histories=0.4, hard_candidates=6, random_candidates=9)


class Echo(Popularity):
    """Scores what is in the history, and nothing else."""

    def scores_of(self, weighed: sp.csr_array, candidates: np.ndarray | None = None) -> np.ndarray:
        dense = weighed.toarray()
        return (dense if candidates is None else dense[:, candidates]).astype(np.float32)


def fit_all(part: Histories, fold: int) -> Mapping[str, Block]:
    return {"echo": Echo.learn(part), "popularity": Popularity.learn(part)}


def examples(chosen: CrossFitSettings = SETTINGS, seed: int = 1) -> list[Examples]:
    seen = domain()
    names, found = cross_fit(seen.histories, seen.catalogue(), (), fit_all, chosen, seed=seed)
    assert names == ("echo", "popularity")
    return found


@drawn(seed=st.integers(0, 1000), folds=st.integers(2, 6), share=st.floats(0.01, 0.45))
@settings(max_examples=25)
def test_folds_part_the_events(seed: int, folds: int, share: float) -> None:
    given = domain().histories
    matrix = given.matrix()
    chosen = CrossFitSettings(folds=folds, held_out_events=share, held_out_items=share)
    found = _folds(given, chosen, np.random.default_rng(seed))
    assert len(found) == folds
    for fold in found:
        seen = fold.seen.matrix()
        np.testing.assert_array_equal((seen + fold.events + fold.cold).toarray(), matrix.toarray())
        assert seen.nnz + fold.events.nnz + fold.cold.nnz == matrix.nnz
        # Items held out whole are in no history that a block is fitted on or scored with, and are nobody's target
        # among the others.
        for part in (seen, fold.events):
            assert not fold.items[part.indices].any()
        assert fold.items[fold.cold.indices].all()
    assert np.sum([fold.items for fold in found], axis=0).max() <= 1
    assert np.sum([fold.events.toarray() for fold in found], axis=0).max() <= 1


def test_a_target_never_stands_in_its_own_history() -> None:
    seen = [example for example in examples() if not example.cold]
    assert len(seen) == SETTINGS.folds
    for example in seen:
        echo = example.scores[:, :, 0]
        assert example.targets.any(axis=1).all()
        assert not echo[example.targets].any()
        # What a history does hold competes with nothing.
        assert np.isneginf(example.log_weights[echo > 0]).all()
        assert np.isfinite(example.log_weights[example.targets]).all()


def test_items_held_out_whole_are_unseen_and_compete_among_themselves() -> None:
    cold = [example for example in examples() if example.cold]
    assert len(cold) == SETTINGS.folds
    for example in cold:
        assert not example.scores.any()
        assert not example.side.users[example.items[np.isfinite(example.log_weights)]].any()
        # They are new, not dormant: nobody had the chance to take them.
        assert not example.side.dormant[example.items].any()


def test_dormant_items_are_those_that_nobody_took() -> None:
    quiet = domain().items[:3]
    seen = domain().without_events_on(quiet)
    _, found = cross_fit(seen.histories, seen.catalogue(), (), fit_all, SETTINGS, seed=1)
    for example in found:
        assert example.side.dormant[seen.graph.item_indices(quiet)].all()


def test_every_user_keeps_all_targets_and_the_hardest_and_samples_the_rest() -> None:
    matrix = domain().matrix
    warm = np.flatnonzero(np.bincount(matrix.indices, minlength=matrix.shape[1]))
    for example in examples():
        kept = np.isfinite(example.log_weights)
        for items, mask in zip(example.items, kept, strict=True):
            assert len(set(items[mask].tolist())) == mask.sum()
        if not example.cold:
            # Drawn candidates stand for all that were not: weights add up to the competitors' number.
            competitors = np.exp(example.log_weights.astype(np.float64)).sum(axis=1)
            held = int(len(warm) * min(SETTINGS.held_out_items, 1 / SETTINGS.folds))
            assert (competitors <= matrix.shape[1] - held + 1e-3).all()
            assert (competitors > matrix.shape[1] - held - np.diff(matrix.indptr).max()).all()


def test_some_histories_are_cut() -> None:
    given = domain().histories
    matrix = given.matrix()
    cut = _cut(given, 0.4, np.random.default_rng(1)).matrix()
    lengths, before = np.diff(cut.indptr), np.diff(matrix.indptr)
    shorter = lengths < before
    assert 0.15 < shorter.mean() < 0.45
    assert lengths.min() >= 1
    assert (lengths[shorter] <= 10).all()
    assert (matrix - cut).min() >= 0
    uncut = _cut(given, 0.0, np.random.default_rng(1)).matrix()
    np.testing.assert_array_equal(uncut.toarray(), matrix.toarray())
    whole, short = (examples(SETTINGS.model_copy(update={"short_histories": share})) for share in (0.0, 0.8))
    assert np.concatenate([e.lengths for e in short]).mean() < np.concatenate([e.lengths for e in whole]).mean() / 1.3


def test_users_are_sampled_where_there_are_many() -> None:
    found = examples(SETTINGS.model_copy(update={"max_users": 20}))
    assert max(len(example.lengths) for example in found) <= 20


def test_a_seed_decides_the_examples() -> None:
    first, again, other = examples(seed=1), examples(seed=1), examples(seed=2)
    assert all(np.array_equal(a.items, b.items) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a.items, b.items) for a, b in zip(first, other, strict=True))


def test_too_few_events_give_no_examples() -> None:
    seen = replace(domain(), liked=tuple((f"u{number}", domain().items[number]) for number in range(4)))
    _, found = cross_fit(seen.histories, seen.catalogue(), (), fit_all, SETTINGS, seed=1)
    assert not found


def test_spread_is_that_of_warm_items_outside_the_history() -> None:
    given = domain().histories
    users = given.item_users().astype(np.float32)
    users[:5] = 0
    block = Popularity.learn(given)
    scores, outside = block.scores(given)[:, 5:], given.matrix().toarray()[:, 5:] == 0
    assert spread(block, given, users) == pytest.approx(scores[outside].std(), rel=1e-5)
    assert spread(Echo.learn(given), given, users) == 1.0
    assert spread(block, given, np.zeros_like(users)) == 1.0
