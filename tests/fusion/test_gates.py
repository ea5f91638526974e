from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from encoders.behavior import EASE, Popularity
from encoders.block import Block
from fusion.crossfit import cross_fit
from fusion.gate_fitting import Batch, fit_gates
from fusion.gate_inputs import Examples, ItemSide
from fusion.gates import GateForm, Gates
from fusion.ranker import Ranker
from fusion.settings import CrossFitSettings, GateSettings
from kg.histories import Histories
from tests.fusion.small import Memory
from tests.planted import domain

N_USERS, N_ITEMS = 200, 30
FORM = GateForm(popularity_bias=False, fact_bias=False)
DEFAULTS = GateSettings()


def side(users: np.ndarray | None = None) -> ItemSide:
    counts = np.arange(1, N_ITEMS + 1) if users is None else users
    return ItemSide(counts.astype(np.float32), np.zeros((N_ITEMS, 1), np.float32), np.zeros(N_ITEMS, bool))


def made_examples(
    signal: np.ndarray, over: ItemSide, lengths: np.ndarray | None = None, cold: bool = False
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
    return Examples(scores.astype(np.float32), lengths.astype(np.float32), items, targets, weights, over, cold)


def test_a_block_that_says_nothing_is_taken_out() -> None:
    signal = np.tile(np.array([2.0, 0.0]), (N_USERS, 1))
    assert fit_gates(["good", "noise"], [made_examples(signal, side())], DEFAULTS, FORM).blocks == ("good",)
    both = fit_gates(["good", "fair"], [made_examples(signal + np.array([0, 1]), side())], DEFAULTS, FORM)
    assert both.blocks == ("good", "fair")
    assert both.weights[0] > both.weights[1]


def test_a_block_that_remembers_gets_no_weight_out_of_sample_and_much_in_sample() -> None:
    """The same gates on the same folds: only whether the blocks have seen the targets differs."""
    seen = domain(users=400)
    chosen = CrossFitSettings(folds=3, short_histories=0)

    def gates(in_sample: bool) -> Gates:
        def fit_all(part: Histories, fold: int) -> dict[str, Block]:
            remembered = seen.histories if in_sample else part
            return {"memory": Memory(remembered.matrix()), "ease": EASE.learn(part)}

        names, examples = cross_fit(seen.histories, seen.catalogue(), (), fit_all, chosen, seed=1)
        warm = [example for example in examples if not example.cold]
        return fit_gates(names, warm, DEFAULTS, FORM)

    fooled = gates(in_sample=True)
    assert fooled.weights[fooled.blocks.index("memory")] > 0.5 * fooled.weights.sum()
    assert gates(in_sample=False).blocks == ("ease",)


def test_a_block_counts_for_the_histories_in_which_it_is_right() -> None:
    lengths = np.where(np.arange(N_USERS) % 2, 3.0, 60.0)
    signal = np.where(lengths[:, None] > 10, [2.5, 0.5], [0.5, 2.5])
    gates = fit_gates(["long", "short"], [made_examples(signal, side(), lengths)], GateSettings(), FORM)
    short, long = gates.user_factors(np.array([3.0, 60.0], np.float32))
    assert short[1] > 1.5 * short[0]
    assert long[0] > 1.5 * long[1]
    # Beyond the lengths that training saw nothing was learned.
    np.testing.assert_allclose(gates.user_factors(np.array([1e6], np.float32))[0], long, rtol=1e-5)
    unmoved = fit_gates(
        ["long", "short"], [made_examples(signal, side(), lengths)], GateSettings(), replace(FORM, user=False)
    )
    assert not unmoved.by_length.any()


def test_a_block_counts_for_the_items_on_which_it_is_right() -> None:
    """One block knows popular items, the other new ones."""
    warm = made_examples(np.tile([2.0, 0.0], (N_USERS, 1)), side())
    cold = made_examples(np.tile([0.0, 2.0], (N_USERS, 1)), side(np.zeros(N_ITEMS)), cold=True)
    gates = fit_gates(["warm", "cold"], [warm, cold], GateSettings(), FORM)
    factors = gates.weights * gates.item_factors(side(np.where(np.arange(N_ITEMS) < 5, 0, 25)))
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
    bias = gates.biases(over)
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


@pytest.mark.parametrize("cold", [False, True])
def test_one_kind_of_examples_is_enough(cold: bool) -> None:
    example = made_examples(np.tile([2.0, 1.0], (N_USERS, 1)), side(), cold=cold)
    assert np.isfinite(fit_gates(["a", "b"], [example], GateSettings(), GateForm()).weights).all()


def test_gates_are_served_as_they_are_fitted() -> None:
    """The loss of training, with torch, is that of the scores that serving makes of the same gates without."""
    rng = np.random.default_rng(5)
    facts = rng.integers(0, 4, (N_ITEMS, 2)).astype(np.float32)
    over = ItemSide(np.arange(N_ITEMS, dtype=np.float32), facts, rng.random(N_ITEMS) < 0.3)
    example = made_examples(np.tile([2.0, 1.0], (N_USERS, 1)), over, rng.integers(1, 40, N_USERS).astype(np.float32))
    gates = fit_gates(["a", "b"], [example], GateSettings(), GateForm())
    batch = Batch(example, gates.length_moments, gates.length_range, gates.popularity_moments, gates.form)
    learned = (gates.weights, gates.by_length, gates.by_popularity, gates.bias)
    loss = batch.loss(torch.arange(N_USERS), *map(torch.from_numpy, learned))

    factors = gates.user_factors(example.lengths)[:, None, :] * gates.item_factors(over)[None, :, :]
    scores = (example.scores * factors).sum(axis=2) + gates.biases(over)
    assert min(np.abs(part).min() for part in learned[:2]) > 0
    logs = scores - np.log(np.exp(scores.astype(np.float64)).sum(axis=1, keepdims=True))
    assert float(loss) == pytest.approx(-logs[example.targets].mean(), rel=1e-5)
