from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from encoders.history_weights import HistoryWeights
from kg.histories import Histories
from kg.interactions import Interactions


def histories(*lengths: int) -> Histories:
    return Histories(np.cumsum([0, *lengths]).astype(np.int64), np.arange(sum(lengths), dtype=np.int32), 100)


@given(st.lists(st.integers(0, 6), max_size=4), st.floats(0, 0.99), st.floats(0.1, 50))
def test_the_last_event_counts_one_and_earlier_ones_less(lengths: list[int], floor: float, places: float) -> None:
    given_histories = histories(*lengths)
    weighed = HistoryWeights(floor=floor, places=places).of(given_histories)
    assert weighed.values is not None
    for first, last in zip(weighed.offsets[:-1], weighed.offsets[1:], strict=True):
        row = weighed.values[first:last]
        assert (np.diff(row) >= 0).all()
        assert ((row >= np.float32(floor) - 1e-6) & (row <= 1)).all()
        if len(row):
            assert row[-1] == 1
    expected = [floor + (1 - floor) * np.exp(-place / places) for place in given_histories.places]
    np.testing.assert_allclose(weighed.values, expected, rtol=1e-5)


def test_even_weights_change_nothing() -> None:
    given_histories = histories(3, 0, 2)
    assert HistoryWeights().is_even
    assert HistoryWeights().of(given_histories) is given_histories


def test_without_an_order_all_events_count_the_same() -> None:
    users, items = np.zeros(3, np.int32), np.arange(3, dtype=np.int32)
    untimed = Interactions(users, items, ["u"], 5).histories()
    assert HistoryWeights(floor=0.1).of(untimed).values is None
    assert HistoryWeights(floor=0.1).of(untimed.take(np.array([0]))).values is None
    timed = Interactions(users, items, ["u"], 5, times=np.arange(3.0)).histories()
    assert HistoryWeights(floor=0.1).of(timed).values is not None
    # A list of items that a caller gives is in order.
    assert HistoryWeights(floor=0.1).of(Histories.of_items([2, 0], 5)).values is not None


@pytest.mark.parametrize("wrong", [{"floor": 1.1}, {"floor": -0.1}, {"places": 0.0}, {"places": float("inf")}])
def test_weights_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        HistoryWeights.model_validate(wrong)


def values_of(histories: Histories | None) -> np.ndarray:
    assert histories is not None
    assert histories.values is not None
    return histories.values


def of_kinds(kinds: list[int], times: list[float], dislikes: list[float] | None = None) -> Histories:
    """One user's likes of two kinds, -1 for an unknown one, and dislikes at these times."""
    n, names = len(kinds), ("watched", "bought")
    found = Histories(
        np.array([0, n]), np.arange(n, dtype=np.int32), 100, np.array(times), None, np.array(kinds, np.int16), names
    )
    if dislikes is None:
        return found
    m = len(dislikes)
    items = np.arange(50, 50 + m, dtype=np.int32)
    against = Histories(np.array([0, m]), items, 100, np.array(dislikes), None, np.zeros(m, np.int16), names)
    return replace(found, dislikes=against)


def test_a_kind_has_its_factor_and_an_unknown_one_counts_one() -> None:
    weighed = HistoryWeights(kinds={"bought": 3.0}).of(of_kinds([0, 1, -1, 1], [1, 2, 3, 4]))
    assert weighed.values is not None
    assert weighed.values.tolist() == [1, 3, 1, 3]
    assert values_of(HistoryWeights(kinds={"other": 3.0}).of(of_kinds([0, 1], [1, 2]))).tolist() == [1, 1]


@given(st.floats(0.05, 5), st.floats(0.5, 1000), st.lists(st.floats(0, 1000), min_size=1, max_size=5))
def test_an_older_event_counts_less_by_its_age(age: float, unit: float, ages: list[float]) -> None:
    ages = sorted(ages, reverse=True)
    events = of_kinds([0] * len(ages), [2000 - a for a in ages])
    weights = HistoryWeights(age=age, age_unit=unit)
    asked = weights.of(events.at(2000.0))
    np.testing.assert_allclose(values_of(asked), [(1 + a / unit) ** -age for a in ages], rtol=1e-5)
    # Without a moment it is that of the last event.
    last = weights.of(events)
    np.testing.assert_allclose(values_of(last), [(1 + (a - ages[-1]) / unit) ** -age for a in ages], rtol=1e-5)
    unknown = weights.of(replace(events, times=np.full(len(ages), np.nan)))
    assert unknown.values is not None
    assert unknown.values.tolist() == [1] * len(ages)


def test_a_dislike_counts_against_its_item_by_kind_place_and_age() -> None:
    events = of_kinds([0, 1], [100, 200], dislikes=[50, 300])
    even = HistoryWeights(dislike=0.5).of(events)
    assert even.values is None
    assert even.dislikes is not None
    assert even.dislikes.values is not None
    assert even.dislikes.values.tolist() == [0.5, 0.5]
    row = even.weighed_matrix()
    assert dict(zip(row.indices.tolist(), row.data.tolist(), strict=True)) == {0: 1, 1: 1, 50: -0.5, 51: -0.5}
    weights = HistoryWeights(
        floor=0.0, places=1.0, age=1.0, age_unit=100.0, kinds={"watched": 0.25}, dislikes={"watched": 0.5}
    )
    weighed = weights.of(events)
    assert weighed.dislikes is not None
    # The last like is at 200.
    np.testing.assert_allclose(values_of(weighed.dislikes), [0.5 * np.exp(-1) / 2.5, 0.5], rtol=1e-5)
    np.testing.assert_allclose(values_of(weighed), [0.25 * np.exp(-1) / 2, 1], rtol=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"age": -1},
        {"age": 11},
        {"age_unit": 0},
        {"dislike": -0.1},
        {"dislike": 2000},
        {"dislikes": {"a": -0.1}},
        {"kinds": {"a": -1}},
        {"kinds": {"a": 1e9}},
        {"kinds": {"a": "x"}},
        {"kinds": {1: 1.0}},
        {"kinds": {"a": float("nan")}},
    ],
)
def test_weights_of_age_kind_and_dislike_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        HistoryWeights.model_validate(wrong)


def test_equal_weights_are_one_key() -> None:
    one, other = HistoryWeights(kinds={"a": 1.0, "b": 2.0}), HistoryWeights(kinds={"b": 2.0, "a": 1.0})
    assert one == other
    assert len({one, other, HistoryWeights(), HistoryWeights(dislikes={"a": 1.0, "b": 2.0})}) == 3
