"""Random search: draws lie in their range, a trial is the same on every machine, edges are told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.quality_models import MODELS
from benchmarks.quality_ranges import Between, OneOf, edges, trial


@given(st.integers(0, 10**6), st.booleans())
def test_draws_lie_in_the_range(number: int, log: bool) -> None:
    drawn = trial({"a": Between(0.5, 8.0, log=log), "b": Between(3, 50, log=log), "c": OneOf((1, 2))}, 1, number + 1)
    assert 0.5 <= drawn["a"] <= 8.0
    assert 3 <= drawn["b"] <= 50
    assert isinstance(drawn["b"], int)
    assert drawn["c"] in (1, 2)


def test_the_first_trial_is_that_of_the_defaults() -> None:
    ranges = MODELS["recency-ease"].ranges
    assert trial(ranges, 1, 0) == {}
    assert trial(ranges, 1, 5) == trial(ranges, 1, 5)
    assert len({str(trial(ranges, 1, number)) for number in range(20)}) == 20


def test_edges_are_told() -> None:
    ranges = {"a": Between(1.0, 100.0), "b": Between(0.0, 1.0, log=False)}
    assert edges(ranges, {"a": 1.1, "b": 0.5}) == ["a"]
    assert edges(ranges, {"a": 10.0, "b": 0.99}) == ["b"]
    assert edges(ranges, {}) == []
