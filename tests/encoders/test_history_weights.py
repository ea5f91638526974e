from __future__ import annotations

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
        HistoryWeights(**wrong)
