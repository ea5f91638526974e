from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from encoders.behavior import Popularity
from encoders.block import Block
from encoders.history_weights import HistoryWeights
from fusion.crossfit import CrossFit, cross_fit, spread
from fusion.folds import HeldOut, folds_of
from fusion.gate_inputs import Examples
from fusion.protocol import Protocol
from fusion.settings import CrossFitSettings
from fusion.user_weights import Weighed
from kg.histories import Histories
from tests.planted import Domain, domain

SETTINGS = CrossFitSettings(folds=3, held_out_users=0.1, hard_candidates=6, random_candidates=9)


class Echo(Popularity):
    """Scores what is in the history, and nothing else."""

    def scores_of(self, weighed: sp.csr_array, candidates: np.ndarray | None = None) -> np.ndarray:
        dense = weighed.toarray()
        return (dense if candidates is None else dense[:, candidates]).astype(np.float32)


def fit_all(part: Histories, fold: int) -> Mapping[str, Block]:
    return {"echo": Echo.learn(part), "popularity": Popularity.learn(part)}


def fitted(seen: Domain, chosen: CrossFitSettings = SETTINGS, seed: int = 1) -> CrossFit:
    folds = folds_of(seen.histories, Protocol.RANDOM, chosen, np.random.default_rng(seed))
    return cross_fit(folds, seen.catalogue(), (), fit_all, chosen, seed=seed)


def examples(chosen: CrossFitSettings = SETTINGS, seed: int = 1) -> tuple[Examples, ...]:
    found = fitted(domain(), chosen, seed)
    assert found.names == ("echo", "popularity")
    return found.examples


def test_a_target_never_stands_in_its_own_history() -> None:
    seen = [example for example in examples() if example.kind == "events"]
    assert len(seen) == SETTINGS.folds
    for example in seen:
        echo = example.scores[:, :, 0]
        assert example.targets.any(axis=1).all()
        assert not echo[example.targets].any()
        # What a history does hold competes with nothing.
        assert np.isneginf(example.log_weights[echo > 0]).all()
        assert np.isfinite(example.log_weights[example.targets]).all()


def test_items_held_out_whole_are_unseen_and_compete_among_themselves() -> None:
    cold = [example for example in examples() if example.kind == "items"]
    assert len(cold) == SETTINGS.folds
    for example in cold:
        assert not example.scores.any()
        assert not example.side.users[example.items[np.isfinite(example.log_weights)]].any()
        # They are new, not dormant: nobody had the chance to take them.
        assert not example.side.dormant[example.items].any()


def test_dormant_items_are_those_that_nobody_took() -> None:
    quiet = domain().items[:3]
    seen = domain().without_events_on(quiet)
    for example in fitted(seen).examples:
        assert example.side.dormant[seen.graph.item_indices(quiet)].all()


def test_every_user_keeps_all_targets_and_the_hardest_and_samples_the_rest() -> None:
    matrix = domain().matrix
    warm = np.flatnonzero(np.bincount(matrix.indices, minlength=matrix.shape[1]))
    for example in examples():
        kept = np.isfinite(example.log_weights)
        for items, mask in zip(example.items, kept, strict=True):
            assert len(set(items[mask].tolist())) == mask.sum()
        if example.kind == "events":
            # Drawn candidates stand for all that were not: weights add up to the competitors' number.
            competitors = np.exp(example.log_weights.astype(np.float64)).sum(axis=1)
            held = int(len(warm) * min(SETTINGS.held_out_items, 1 / SETTINGS.folds))
            assert (competitors <= matrix.shape[1] - held + 1e-3).all()
            assert (competitors > matrix.shape[1] - held - np.diff(matrix.indptr).max()).all()


def test_users_are_sampled_where_there_are_many() -> None:
    found = examples(SETTINGS.model_copy(update={"max_users": 20}))
    assert max(len(example.lengths) for example in found) <= 20


def test_a_seed_decides_the_examples() -> None:
    first, again, other = examples(seed=1), examples(seed=1), examples(seed=2)
    assert all(np.array_equal(a.items, b.items) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a.items, b.items) for a, b in zip(first, other, strict=True))


def test_too_few_events_give_no_examples() -> None:
    seen = replace(domain(), liked=tuple((f"u{number}", domain().items[number]) for number in range(4)))
    assert not fitted(seen).examples


def test_weights_are_chosen_once_on_held_out_events_and_used_for_all_folds() -> None:
    seen = domain()
    asked: list[str] = []
    last = HistoryWeights(floor=0.0, places=1e-3)

    def choose(blocks: Mapping[str, Block], events: HeldOut) -> dict[str, HistoryWeights]:
        assert list(blocks) == ["echo", "popularity"]
        asked.append(events.kind)
        return {"echo": last}

    folds = folds_of(seen.histories, Protocol.NEXT, SETTINGS, np.random.default_rng(1))
    found = cross_fit(folds, seen.catalogue(), (), fit_all, SETTINGS, seed=1, choose=choose)
    assert asked == ["events"]
    assert found.weights == {"echo": last}
    plain = fitted(seen)
    # The echo scores an event by its weight: all but the last event of a history vanish.
    assert [np.count_nonzero(e.scores[:, :, 0] > 1e-3) for e in found.examples if e.kind == "items"] == [0, 0]
    assert {example.kind for example in plain.examples} == {"events", "items", "users"}


def test_spread_is_that_of_warm_items_outside_the_history() -> None:
    given = domain().histories
    users = given.item_users().astype(np.float32)
    users[:5] = 0
    block = Popularity.learn(given)
    even = HistoryWeights()
    scores, outside = block.scores(given)[:, 5:], given.matrix().toarray()[:, 5:] == 0
    assert spread(Weighed(block, even), given, users) == pytest.approx(scores[outside].std(), rel=1e-5)
    assert spread(Weighed(Echo.learn(given), even), given, users) == 1.0
    assert spread(Weighed(block, even), given, np.zeros_like(users)) == 1.0
    # Users without events say nothing about it.
    some = given.keep(given.users % 2 == 0)
    only = some.take(np.flatnonzero(~some.is_empty))
    assert spread(Weighed(block, even), some, users) == spread(Weighed(block, even), only, users)
