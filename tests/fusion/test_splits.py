from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.splits import (
    Split,
    SplitError,
    joined,
    split_by_time,
    split_cold_items,
    split_cold_users,
    split_last_out,
    split_random,
    with_events,
)
from kg.interactions import Interactions

N_ITEMS = 10


@st.composite
def events(draw: st.DrawFn) -> Interactions:
    """Events of up to six users, with repeats of pairs and of times; weights number the events."""
    n_users = draw(st.integers(1, 6))
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, n_users - 1), st.integers(0, N_ITEMS - 1), st.integers(0, 8)),
            min_size=1,
            max_size=50,
        )
    )
    return interactions(rows, n_users)


def interactions(rows: list[tuple[int, int, int]], n_users: int) -> Interactions:
    users, items, times = (np.array(column) for column in zip(*rows, strict=True))
    return Interactions(
        users.astype(np.int32),
        items.astype(np.int32),
        [f"u{user}" for user in range(n_users)],
        N_ITEMS,
        np.arange(len(rows), dtype=np.float32),
        times.astype(np.float64),
    )


def numbers(part: Interactions) -> list[int]:
    assert part.weights is not None
    return part.weights.astype(int).tolist()


def assert_complete(split: Split, whole: Interactions) -> None:
    """Every event is in exactly one part, with its own user, item and time."""
    parts = [split.train, split.valid, split.test, split.given]
    assert sorted(number for part in parts for number in numbers(part)) == list(range(len(whole)))
    assert whole.times is not None
    for part in parts:
        places = numbers(part)
        assert part.times is not None
        np.testing.assert_array_equal(part.users, whole.users[places])
        np.testing.assert_array_equal(part.items, whole.items[places])
        np.testing.assert_array_equal(part.times, whole.times[places])


def pairs(part: Interactions) -> set[tuple[int, int]]:
    return set(zip(part.users.tolist(), part.items.tolist(), strict=True))


@given(whole=events(), valid=st.sampled_from([0.0, 0.1, 0.3]), test=st.sampled_from([0.1, 0.4]), seed=st.integers(0, 9))
@settings(deadline=None)
def test_random(whole: Interactions, valid: float, test: float, seed: int) -> None:
    split = split_random(whole, valid=valid, test=test, seed=seed)
    assert_complete(split, whole)
    assert not pairs(split.train) & pairs(split.test)
    assert not pairs(split.train) & pairs(split.valid)
    assert not pairs(split.valid) & pairs(split.test)
    assert set(split.train.users) == set(whole.users)
    again = split_random(whole, valid=valid, test=test, seed=seed)
    assert numbers(again.test) == numbers(split.test)


@given(events(), st.integers(1, 6))
def test_users_with_few_events_are_left_out_whole(whole: Interactions, least: int) -> None:
    counts = Counter(whole.users.tolist())
    kept = with_events(whole, least)
    assert Counter(kept.users.tolist()) == {user: n for user, n in counts.items() if n >= least}


def test_random_meets_its_shares_on_average() -> None:
    rows = [(user, item, 0) for user in range(400) for item in range(5)]
    split = split_random(interactions(rows, 400), valid=0.1, test=0.2, seed=1)
    assert len(split.valid) / len(rows) == pytest.approx(0.1, abs=0.02)
    assert len(split.test) / len(rows) == pytest.approx(0.2, abs=0.02)
    assert numbers(split_random(interactions(rows, 400), seed=2).test) != numbers(split.test)


@given(whole=events(), valid=st.integers(0, 2), test=st.integers(0, 2))
@settings(deadline=None)
def test_last_out(whole: Interactions, valid: int, test: int) -> None:
    split = split_last_out(whole, valid=valid, test=test)
    assert_complete(split, whole)
    for user, count in Counter(whole.users.tolist()).items():
        ours = [
            part.times[part.users == user] for part in (split.train, split.valid, split.test) if part.times is not None
        ]
        train, in_valid, in_test = ours
        assert len(in_test) == min(test, count - 1)
        assert len(in_valid) == min(valid, count - 1 - len(in_test))
        assert train.max() <= min(in_valid.min(initial=np.inf), in_test.min(initial=np.inf))
        assert in_valid.max(initial=-np.inf) <= in_test.min(initial=np.inf)


@given(whole=events(), valid=st.sampled_from([0.0, 0.2]), test=st.sampled_from([0.0, 0.1, 0.3]))
@settings(deadline=None)
def test_by_time(whole: Interactions, valid: float, test: float) -> None:
    try:
        split = split_by_time(whole, valid=valid, test=test)
    except SplitError:
        # Only where the earliest time has so many events that train would be empty.
        assert whole.times is not None
        assert np.mean(whole.times == whole.times.min()) >= 1 - valid - test - 1 / len(whole)
        return
    assert_complete(split, whole)
    assert split.train.times is not None
    assert split.valid.times is not None
    assert split.test.times is not None
    assert split.train.times.max() < min(split.valid.times.min(initial=np.inf), split.test.times.min(initial=np.inf))
    assert split.valid.times.max(initial=-np.inf) < split.test.times.min(initial=np.inf)
    assert len(split.test) >= round(len(whole) * test)


@given(whole=events(), folds=st.integers(2, 5), valid=st.sampled_from([0.0, 0.3]))
@settings(deadline=None)
def test_cold_items(whole: Interactions, folds: int, valid: float) -> None:
    splits = list(split_cold_items(whole, folds=folds, valid=valid, seed=3))
    assert len(splits) == folds
    tested: list[int] = []
    for split in splits:
        assert_complete(split, whole)
        trained, held = set(split.train.items.tolist()), set(split.test.items.tolist())
        assert not trained & held
        assert not trained & set(split.valid.items.tolist())
        assert not held & set(split.valid.items.tolist())
        tested += numbers(split.test)
    assert sorted(tested) == list(range(len(whole)))


def test_cold_items_by_given_folds() -> None:
    whole = interactions([(0, item, item) for item in range(N_ITEMS)], 1)
    fold_of = np.array([2, 2, 7, -1, 7, 2, -1, 7, 7, 7])
    first, second = split_cold_items(whole, folds=fold_of)
    assert (first.name, second.name) == ("cold items 2", "cold items 7")
    assert set(first.test.items) == {0, 1, 5}
    assert set(second.test.items) == {2, 4, 7, 8, 9}
    assert {3, 6} <= set(first.train.items)


@given(whole=events(), shots=st.integers(0, 4), seed=st.integers(0, 5))
@settings(deadline=None)
def test_cold_users(whole: Interactions, shots: int, seed: int) -> None:
    split = split_cold_users(whole, valid=0.2, test=0.4, shots=shots, seed=seed)
    assert_complete(split, whole)
    assert not set(split.train.users) & set(split.test.users)
    assert not set(split.train.users) & set(split.valid.users)
    assert set(split.given.users) <= set(split.test.users)
    for user in set(split.test.users.tolist()):
        given_times = split.given.times[split.given.users == user] if split.given.times is not None else np.array([])
        test_times = split.test.times[split.test.users == user] if split.test.times is not None else np.array([])
        assert len(given_times) == min(shots, len(given_times) + len(test_times) - 1)
        assert given_times.max(initial=-np.inf) <= test_times.min()


def test_histories_and_what_was_seen() -> None:
    whole = interactions([(user, item, item) for user in range(5) for item in range(8)], 5)
    split = split_cold_users(whole, valid=0.2, test=0.4, shots=3, seed=0)
    assert split.history().matrix().sum() == len(split.train) + len(split.given)
    assert split.seen().sum() == len(split.train) + len(split.given) + len(split.valid)
    np.testing.assert_array_equal(np.diff(split.seen().indptr)[np.unique(split.test.users)], 3)


def test_joining_drops_columns_that_one_lacks() -> None:
    first = interactions([(0, 1, 5)], 1)
    second = Interactions(first.users, first.items, first.user_ids, N_ITEMS)
    both = joined(first, second)
    assert len(both) == 2
    assert both.times is None
    assert both.weights is None


@pytest.mark.parametrize("split", [split_last_out, split_by_time])
def test_missing_times_are_named(split) -> None:
    whole = interactions([(0, 1, 0), (0, 2, 1)], 1)
    without = Interactions(whole.users, whole.items, whole.user_ids, N_ITEMS)
    with pytest.raises(SplitError, match="2 of 2 have none"):
        split(without)
    partly = Interactions(whole.users, whole.items, whole.user_ids, N_ITEMS, None, np.array([1.0, np.nan]))
    with pytest.raises(SplitError, match="1 of 2 have none"):
        split(partly)


def test_impossible_wishes_are_refused() -> None:
    whole = interactions([(0, 1, 0), (0, 2, 0)], 1)
    for split in (split_random, split_by_time, split_cold_users):
        with pytest.raises(SplitError, match="leave something to train on"):
            split(whole, valid=0.5, test=0.5)
    with pytest.raises(SplitError, match="share the earliest time"):
        split_by_time(whole, test=0.5)
    with pytest.raises(SplitError, match="folds"):
        list(split_cold_items(whole, folds=1))
    with pytest.raises(SplitError, match="folds are given for 3 items"):
        list(split_cold_items(whole, folds=np.array([0, 1, 0])))
