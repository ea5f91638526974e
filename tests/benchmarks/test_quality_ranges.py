"""Random search: draws lie in their range, a trial is the same on every machine, edges are told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.quality_models import MODELS
from benchmarks.quality_ranges import Between, OneOf, edges, trial


@given(st.integers(0, 10**6), st.booleans())
def test_draws_lie_in_the_range(number: int, log: bool) -> None:
    ranges = {"a": Between(0.5, 8.0, log=log), "b": Between(3, 50, log=log), "c": OneOf((1, 2))}
    drawn = trial(ranges, 1, number, {"a": 7.9, "b": 3, "c": 2})
    assert 0.5 <= drawn["a"] <= 8.0
    assert 3 <= drawn["b"] <= 50
    assert isinstance(drawn["b"], int)
    assert drawn["c"] in (1, 2)


def test_a_trial_is_the_same_again_and_every_second_one_is_near_the_best() -> None:
    ranges, best = MODELS["recency-ease"].ranges, MODELS["recency-ease"].defaults
    assert trial(ranges, 1, 5, best) == trial(ranges, 1, 5, best)
    drawn = [trial(ranges, 1, number, best)["regularization"] for number in range(100)]
    assert len(set(drawn)) == 100
    from_best = np.abs(np.log(np.array(drawn) / best["regularization"]))
    assert from_best[::2].mean() < from_best[1::2].mean() / 2


@pytest.mark.parametrize("model", [name for name, model in MODELS.items() if model.ranges])
def test_defaults_are_inside_their_ranges(model: str) -> None:
    assert set(MODELS[model].defaults) == set(MODELS[model].ranges)
    assert edges(MODELS[model].ranges, MODELS[model].defaults) == []


def test_edges_are_told() -> None:
    ranges = {"a": Between(1.0, 100.0), "b": Between(0.0, 1.0, log=False)}
    assert edges(ranges, {"a": 1.1, "b": 0.5}) == ["a"]
    assert edges(ranges, {"a": 10.0, "b": 0.99}) == ["b"]
    assert edges(ranges, {}) == []
