from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch

from encoders.behavior import EASE, Popularity
from encoders.block import Block
from fusion.crossfit import cross_fit
from fusion.folds import folds_of
from fusion.gate_fitting import Batch, fit_gates
from fusion.gate_inputs import Examples, ItemSide
from fusion.gates import KNOTS, GateForm, Gates, user_ends, user_features
from fusion.protocol import Protocol
from fusion.ranker import Ranker
from fusion.settings import CrossFitSettings, GateSettings
from kg.histories import Histories
from tests.fusion.small import Memory
from tests.planted import domain

N_USERS, N_ITEMS = 200, 30
FORM = GateForm(popularity_bias=False, fact_bias=False)
DEFAULTS = GateSettings()
Kind = Literal["events", "items", "users"]


def side(users: np.ndarray | None = None) -> ItemSide:
    counts = np.arange(1, N_ITEMS + 1) if users is None else users
    return ItemSide(counts.astype(np.float32), np.zeros((N_ITEMS, 1), np.float32), np.zeros(N_ITEMS, bool))


def made_examples(
    signal: np.ndarray, over: ItemSide, lengths: np.ndarray | None = None, kind: Kind = "events"
) -> Examples:
    """One target a user; block b scores it higher by signal[user, b], all else is noise."""
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(N_USERS, N_ITEMS, signal.shape[1]))
    target = rng.integers(0, N_ITEMS, N_USERS)
    scores[np.arange(N_USERS), target] += signal
    targets = np.zeros((N_USERS, N_ITEMS), dtype=bool)
    targets[np.arange(N_USERS), target] = True
    items = np.tile(np.arange(N_ITEMS, dtype=np.int32), (N_USERS, 1))
    lengths = np.full(N_USERS, 10.0) if lengths is None else lengths
    weights = np.zeros((N_USERS, N_ITEMS), dtype=np.float32)
    return Examples(scores.astype(np.float32), lengths.astype(np.float32), items, targets, weights, over, kind)


def test_a_block_that_says_nothing_is_taken_out() -> None:
    signal = np.tile(np.array([2.0, 0.0]), (N_USERS, 1))
    assert fit_gates(["good", "noise"], [made_examples(signal, side())], DEFAULTS, FORM).blocks == ("good",)
    both = fit_gates(["good", "fair"], [made_examples(signal + np.array([0, 1]), side())], DEFAULTS, FORM)
    assert both.blocks == ("good", "fair")
    assert both.weights[0] > both.weights[1]


def test_a_block_that_remembers_gets_little_weight_out_of_sample_and_much_in_sample() -> None:
    """The same gates on the same folds: only whether the blocks have seen the targets differs."""
    seen = domain(users=400)
    chosen = CrossFitSettings(folds=3)

    def gates(in_sample: bool) -> Gates:
        def fit_all(part: Histories, fold: int) -> dict[str, Block]:
            remembered = seen.histories if in_sample else part
            return {"memory": Memory(remembered.matrix()), "ease": EASE.learn(part)}

        folds = folds_of(seen.histories, Protocol.RANDOM, chosen, np.random.default_rng(1))
        found = cross_fit(folds, seen.catalogue(), (), fit_all, chosen, seed=1)
        warm = [example for example in found.examples if example.kind == "events"]
        return fit_gates(found.names, warm, DEFAULTS, FORM)

    def share(found: Gates) -> float:
        return float(dict(zip(found.blocks, found.weights, strict=True)).get("memory", 0) / found.weights.sum())

    assert share(gates(in_sample=True)) > 0.5
    assert share(gates(in_sample=False)) < 0.15


def test_a_block_counts_for_the_histories_in_which_it_is_right() -> None:
    lengths = np.where(np.arange(N_USERS) % 2, 3.0, 60.0)
    signal = np.where(lengths[:, None] > 10, [2.5, 0.5], [0.5, 2.5])
    gates = fit_gates(["long", "short"], [made_examples(signal, side(), lengths)], GateSettings(), FORM)
    short, long = gates.user_factors(np.array([3.0, 60.0], np.float32))
    assert short[1] > 1.5 * short[0]
    assert long[0] > 1.5 * long[1]
    # From the last knot on nothing changes.
    last, beyond = gates.user_factors(np.array([KNOTS[-1], 1e6], np.float32))
    np.testing.assert_array_equal(beyond, last)
    unmoved = fit_gates(
        ["long", "short"], [made_examples(signal, side(), lengths)], GateSettings(), replace(FORM, user=False)
    )
    assert not unmoved.by_length.any()


def test_a_block_counts_for_the_items_on_which_it_is_right() -> None:
    """One block knows popular items, the other new ones."""
    warm = made_examples(np.tile([2.0, 0.0], (N_USERS, 1)), side())
    cold = made_examples(np.tile([0.0, 2.0], (N_USERS, 1)), side(np.zeros(N_ITEMS)), kind="items")
    gates = fit_gates(["warm", "cold"], [warm, cold], GateSettings(), FORM)
    of_ends = gates.item_factors(side(np.where(np.arange(N_ITEMS) < 5, 0, 25)))
    factors = gates.weights * (user_ends(np.array([10])) @ of_ends)[:, 0].T
    assert factors[0, 1] > factors[0, 0]
    assert factors[-1, 0] > factors[-1, 1]


def test_popularity_and_facts_enter_by_the_bias() -> None:
    rng = np.random.default_rng(1)
    over = replace(side(), facts=rng.random((N_ITEMS, 2)).astype(np.float32))
    example = made_examples(np.zeros((N_USERS, 1)), over)
    chosen = rng.choice(N_ITEMS, N_USERS, p=np.exp(3 * over.facts[:, 1]) / np.exp(3 * over.facts[:, 1]).sum())
    targets = np.zeros_like(example.targets)
    targets[np.arange(N_USERS), chosen] = True
    gates = fit_gates(["noise"], [replace(example, targets=targets)], GateSettings(), GateForm())
    bias = gates.biases(over)[5]
    assert np.corrcoef(bias, over.facts[:, 1])[0, 1] > 0.8
    bare = fit_gates(["noise"], [replace(example, targets=targets)], GateSettings(), FORM)
    assert not bare.biases(over).any()


def test_what_is_only_padding_changes_nothing() -> None:
    example = made_examples(np.tile([2.0, 1.0], (N_USERS, 1)), side())
    padding = np.zeros((N_USERS, N_ITEMS), dtype=bool)
    padding[:, ::5] = True
    padding &= ~example.targets
    weights = np.where(padding, -np.inf, 0).astype(np.float32)
    scores = np.where(padding[:, :, None], 50.0, example.scores).astype(np.float32)
    first, second = (
        fit_gates(["a", "b"], [replace(example, scores=found, log_weights=weights)], GateSettings(), FORM)
        for found in (example.scores, scores)
    )
    np.testing.assert_allclose(first.weights, second.weights, rtol=1e-5)


def test_gates_are_the_same_every_time() -> None:
    example = made_examples(np.tile([2.0, 1.0], (N_USERS, 1)), side())
    first, again = (fit_gates(["a", "b"], [example], GateSettings(), GateForm()) for _ in range(2))
    for name in ("weights", "by_length", "by_popularity", "bias"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))


def test_a_single_block_is_left_as_it_is() -> None:
    given = domain().histories
    block = Popularity.learn(given)
    users = np.zeros(given.n_items, np.float32)
    over = ItemSide(users, np.zeros((len(users), 0), np.float32), np.zeros(len(users), bool))
    ranker = Ranker({"popularity": block}, {"popularity": 1.0}, Gates.single("popularity"), over)
    np.testing.assert_array_equal(ranker.scores(given), block.scores(given))
    assert ranker.split(Histories.of_items([1, 2], given.n_items), 3).bias == 0


@pytest.mark.parametrize("kind", ["events", "items", "users"])
def test_one_kind_of_examples_is_enough(kind: Kind) -> None:
    example = made_examples(np.tile([2.0, 1.0], (N_USERS, 1)), side(), kind=kind)
    assert np.isfinite(fit_gates(["a", "b"], [example], GateSettings(), GateForm()).weights).all()


def test_gates_are_served_as_they_are_fitted() -> None:
    """The loss of training, with torch, is that of the scores that serving makes of the same gates without."""
    rng = np.random.default_rng(5)
    facts = rng.integers(0, 4, (N_ITEMS, 2)).astype(np.float32)
    over = ItemSide(np.arange(N_ITEMS, dtype=np.float32), facts, rng.random(N_ITEMS) < 0.3)
    example = made_examples(np.tile([2.0, 1.0], (N_USERS, 1)), over, rng.integers(1, 40, N_USERS).astype(np.float32))
    gates = fit_gates(["a", "b"], [example], GateSettings(), GateForm())
    batch = Batch(example, gates.popularity_moments, gates.form)
    learned = (gates.weights, gates.by_length, gates.by_popularity, gates.bias, gates.bias_by_length)
    rows = np.arange(N_USERS)
    logits = batch.logits(rows, *map(torch.from_numpy, learned))

    of_items = np.einsum("ue,bei->uib", user_ends(example.lengths), gates.item_factors(over))
    factors = gates.user_factors(example.lengths)[:, None, :] * of_items
    scores = (example.scores * factors).sum(axis=2) + user_features(example.lengths) @ gates.biases(over)
    assert min(np.abs(part).max() for part in learned) > 0
    np.testing.assert_allclose(logits.numpy(), scores, rtol=1e-4, atol=1e-5)

    likelihood = GateSettings(ranking=0.0, likelihood=1.0)
    logs = scores - np.log(np.exp(scores.astype(np.float64)).sum(axis=1, keepdims=True))
    loss = batch.loss(rows, logits, likelihood)
    assert float(loss) == pytest.approx(-logs[example.targets].mean(), rel=1e-5)


def test_the_smooth_measure_nears_the_ndcg_of_ten() -> None:
    """With a temperature near zero, ranks are counted; the edge after ten stays soft."""
    rng = np.random.default_rng(6)
    example = made_examples(np.full((N_USERS, 1), 4.0), side())
    batch = Batch(example, (0.0, 1.0), FORM)
    sharp = GateSettings(ranking=1.0, likelihood=0.0, temperature=1e-4)
    rows = np.arange(N_USERS)
    loss = float(batch.loss(rows, torch.from_numpy(example.scores[:, :, 0]), sharp))
    ranks = (example.scores[:, :, 0] > example.scores[:, :, 0][example.targets][:, None]).sum(axis=1)
    exact = float(np.mean(np.where(ranks < 10, 1 / np.log2(ranks + 2), 0)))
    assert -loss == pytest.approx(exact, abs=0.03)
    # Of many targets only those with the highest scores are ranked: the others hardly count.
    many = replace(example, targets=rng.random(example.targets.shape) < 0.6)
    batch = Batch(many, (0.0, 1.0), FORM)
    scores = torch.from_numpy(many.scores[:, :, 0])
    loss = float(batch.loss(rows, scores, sharp))
    ranked = np.take_along_axis(many.targets, np.argsort(-many.scores[:, :, 0], axis=1), axis=1)
    places = np.arange(1, N_ITEMS + 1)
    gains = 1 / (1 + np.exp((places - 10.5) / 2)) / np.log2(1 + places)
    ideal = (1 / np.log2(np.arange(2, 12))).sum()
    assert -loss == pytest.approx((ranked * gains).sum(axis=1).mean() / ideal, rel=0.03)


def test_lengths_between_knots_are_interpolated() -> None:
    features = user_features(np.arange(300))
    np.testing.assert_allclose(features.sum(axis=1), 1, rtol=1e-6)
    assert (features[list(KNOTS)] == np.eye(len(KNOTS))).all()
    assert (features[7] > 0).sum() == 2


def test_a_beginning_has_other_gates_and_more_of_the_bias_than_a_long_history() -> None:
    """Popularity is right for beginnings, a block for long histories."""
    rng = np.random.default_rng(8)
    popular = np.arange(N_ITEMS)
    over = side(popular + 1)
    short = made_examples(np.zeros((N_USERS, 1)), over, np.full(N_USERS, 1.0), kind="users")
    chosen = rng.choice(N_ITEMS, N_USERS, p=np.exp(popular / 4) / np.exp(popular / 4).sum())
    targets = np.zeros_like(short.targets)
    targets[np.arange(N_USERS), chosen] = True
    long = made_examples(np.full((N_USERS, 1), 3.0), over, np.full(N_USERS, 50.0))
    gates = fit_gates(["block"], [replace(short, targets=targets), long], GateSettings(), GateForm(fact_bias=False))
    begun, grown = gates.biases(over)[KNOTS.index(1)], gates.biases(over)[KNOTS.index(50)]
    assert begun[-1] - begun[0] > 1.5 * abs(grown[-1] - grown[0])
    few, many = gates.user_factors(np.array([1.0, 50.0]))[:, 0]
    assert many > 2 * few
