"""Protocols of the quality harness: what is trained on, what may be read, what is tested, on random events."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.quality_data import SETS, Given, Loaded, take_valid
from benchmarks.quality_protocols import FIRST, FOLDS, ONLY, Part, folds_of, part_of, places_of, protocols_of
from kg.graph import KnowledgeGraph
from kg.interactions import Interactions
from kg.rows import NodeRow
from whypath.testing.stores.domain import films_schema

N_USERS, N_ITEMS = 30, 40


def events_of(seed: int, *, timed: bool = True, repeats: bool = False) -> Interactions:
    rng = np.random.default_rng(seed)
    rows = [(user, item) for user in range(N_USERS) for item in rng.permutation(N_ITEMS)[: rng.integers(2, 20)]]
    if repeats:
        rows += rows[::3]
    users, items = np.array(rows, dtype=np.int32).T
    times = rng.integers(0, 50, len(rows)).astype(np.float64) if timed else None
    return Interactions(users, items, [f"u{user}" for user in range(N_USERS)], N_ITEMS, None, times)


def loaded_of(seed: int, *, timed: bool = True, given: Given | None = None) -> Loaded:
    graph = KnowledgeGraph.from_rows(
        films_schema(), [NodeRow("film", f"{n:02}", str(n)) for n in range(N_ITEMS)], [], []
    )
    data = SETS["ml100k" if timed else "music"]
    return Loaded(data, graph, events_of(seed, timed=timed), given, "")


def pairs(events: Interactions) -> set[tuple[int, int]]:
    return set(zip(events.users.tolist(), events.items.tolist(), strict=True))


def entries(part: Part, name: str = ONLY) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    task = part.tasks[name]
    return task.history.matrix().toarray(), task.test.toarray(), task.never_listed.toarray()


@pytest.mark.parametrize("timed", [True, False])
def test_a_newcomer_has_the_same_rest_whatever_the_history(timed: bool) -> None:
    loaded = loaded_of(1, timed=timed)
    events = loaded.events
    lengths = np.bincount(events.users, minlength=N_USERS)
    held: list[int] = []
    for fold in folds_of("newcomers"):
        part = part_of(loaded, "newcomers", fold, 1)
        tests = [entries(part, str(n))[1] for n in FIRST]
        assert all(np.array_equal(test, tests[0]) for test in tests)
        tested = np.flatnonzero(tests[0].sum(axis=1))
        held += tested.tolist()
        assert not np.isin(tested, part.train.users).any()
        assert part.choice is not None
        chosen_by = np.flatnonzero(part.choice.tasks["1"].test.toarray().sum(axis=1))
        assert not np.isin([*tested, *chosen_by], part.choice.train.users).any()
        assert not np.isin(tested, chosen_by).any()
        for n in FIRST:
            history, test, hidden = entries(part, str(n))
            assert (history[tested].sum(axis=1) == n).all()
            assert (hidden[tested].sum(axis=1) == max(FIRST)).all()
            assert not (hidden * test).any()
            assert (history <= hidden).all()
            assert (hidden[tested].sum(axis=1) + test[tested].sum(axis=1) == lengths[tested]).all()
    assert sorted(held) == np.flatnonzero(lengths > max(FIRST)).tolist()


@given(st.integers(0, 10**6), st.booleans())
def test_places_count_first_events_in_time(seed: int, repeats: bool) -> None:
    events = events_of(seed, repeats=repeats)
    assert events.times is not None
    places = places_of(events, np.random.default_rng(seed))
    for user in range(N_USERS):
        own = (events.users == user) & (places >= 0)
        assert sorted(places[own]) == list(range(len(set(events.items[events.users == user].tolist()))))
        ordered = events.times[own][np.argsort(places[own])]
        assert (np.diff(ordered) >= 0).all()
        for row in np.flatnonzero((events.users == user) & (places < 0)):
            same = own & (events.items == events.items[row])
            assert events.times[same].min() <= events.times[row]


def test_last_out_tests_one_last_event_of_users_with_five() -> None:
    loaded = loaded_of(2)
    events = loaded.events
    assert events.times is not None
    part = part_of(loaded, "last-out", 0, 1)
    counts = np.bincount(events.users, minlength=N_USERS)
    assert part.is_next
    assert part.valid is not None
    history, test, hidden = entries(part)
    assert (test.sum(axis=1) == (counts >= 5)).all()
    assert np.array_equal(hidden, history + part.valid.matrix().toarray())
    for user, item in np.argwhere(test):
        own = events.users == user
        assert events.times[own & (events.items == item)].max() == events.times[own].max()


def test_under_time_nothing_trained_on_is_later_than_test() -> None:
    loaded = loaded_of(3)
    part = part_of(loaded, "time", 0, 1)
    assert part.train.times is not None
    assert loaded.events.times is not None
    tested = pairs(loaded.events) - pairs(part.train)
    assert tested
    assert part.train.times.max() < np.min(
        [
            t
            for u, i, t in zip(loaded.events.users, loaded.events.items, loaded.events.times, strict=True)
            if (u, i) in tested
        ]
    )
    history, test, _ = entries(part)
    assert (history.sum(axis=1)[test.sum(axis=1) > 0] > 0).all()


@pytest.mark.parametrize("protocol", ["random", "cold"])
def test_times_have_no_effect_where_test_is_not_later(protocol: str) -> None:
    for fold in folds_of(protocol):
        part = part_of(loaded_of(4), protocol, fold, 1)
        assert part.train.times is None
        assert not part.is_next


def test_every_item_with_events_is_cold_once() -> None:
    loaded = loaded_of(5)
    seen: list[int] = []
    for fold in folds_of("cold"):
        part = part_of(loaded, "cold", fold, 1)
        candidates = part.tasks[ONLY].candidates
        assert candidates is not None
        seen += candidates.tolist()
        assert not np.isin(candidates, part.train.items).any()
        _, test, _ = entries(part)
        assert np.isin(np.flatnonzero(test.sum(axis=0)), candidates).all()
        assert test.sum() + len(pairs(part.train)) == len(pairs(loaded.events))
    assert sorted(seen) == np.unique(loaded.events.items).tolist()


def test_a_set_without_a_valid_part_is_fitted_again_on_all_of_train() -> None:
    events = events_of(6, timed=False)
    whole, test = events.take(events.items % 5 > 0), events.take(events.items % 5 == 0)
    train, valid = take_valid(whole)
    assert pairs(train) | pairs(valid) == pairs(whole)
    counts = np.bincount(whole.users, minlength=N_USERS)
    assert np.bincount(valid.users, minlength=N_USERS).tolist() == np.round(counts * 0.1).tolist()
    part = part_of(loaded_of(6, given=Given(train, valid, test, True, None)), "given", 0, 1)
    assert part.refit
    assert pairs(part.train) == pairs(whole)
    assert part.learn is train
    assert part.choice is not None
    assert part.choice.train is train
    history, _, hidden = entries(part)
    assert np.array_equal(history, whole.matrix().toarray())
    assert np.array_equal(hidden, history)


def test_a_random_split_differs_by_seed_and_others_do_not() -> None:
    loaded = loaded_of(7)
    for protocol in protocols_of(loaded.data):
        if protocol == "given":
            continue
        fold = folds_of(protocol)[0]
        first, second = (pairs(part_of(loaded, protocol, fold, seed).train) for seed in (1, 2))
        assert (first != second) == (protocol == "random")


def test_folds_are_numbered_from_one() -> None:
    assert folds_of("cold") == folds_of("newcomers") == tuple(range(1, FOLDS + 1))
    assert folds_of("given") == (0,)
