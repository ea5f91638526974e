"""Ranges: values stay inside, edges are told, ranges that are none are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders.search_space import Between, OneOf, edges


@given(st.floats(-1e9, 1e9), st.booleans())
def test_a_value_is_moved_inside(value: float, log: bool) -> None:
    numbers, whole = Between(0.5, 8.123456, log=log), Between(3, 50, log=log)
    assert numbers.low <= numbers.inside(value) <= numbers.high
    assert whole.low <= whole.inside(value) <= whole.high
    assert isinstance(whole.inside(value), int)
    assert numbers.inside(numbers.inside(value)) == numbers.inside(value)


def test_edges_are_told() -> None:
    space = {"a": Between(1.0, 100.0), "b": Between(0.0, 1.0, log=False), "c": OneOf((1, 2))}
    assert edges(space, {"a": 1.1, "b": 0.5, "c": 1}) == ["a"]
    assert edges(space, {"a": 10.0, "b": 0.99, "c": 2}) == ["b"]
    assert edges(space, {"a": 0.0, "b": 0.5}) == ["a"]
    assert edges(space, {"other": 0.0}) == []


@pytest.mark.parametrize(("low", "high", "log", "step"), [(2, 2, True, None), (0.0, 1.0, True, None), (1, 2, True, 1)])
def test_what_is_no_range_is_refused(low: float, high: float, log: bool, step: float | None) -> None:
    with pytest.raises(ValueError, match=r"no range|a step is"):
        Between(low, high, log=log, step=step)
