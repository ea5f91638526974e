"""`Histories` against a model in plain Python: a list of events for each user."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from kg.histories import Histories
from kg.interactions import Interactions, tie_order

N_ITEMS = 5
KINDS = ("watched", "bought")
NAN = float("nan")


class Told(NamedTuple):
    """One event; None where a source tells nothing."""

    item: int
    time: float | None = None
    weight: float | None = None
    kind: str | None = None


@dataclass(frozen=True)
class Model:
    """Users' events, and the moments that they are asked at."""

    users: tuple[tuple[Told, ...], ...]
    now: tuple[float | None, ...]

    @property
    def events(self) -> list[Told]:
        return [event for user in self.users for event in user]

    @property
    def entries(self) -> list[tuple[int, int]]:
        """The (user, item) pairs, each once, in the order of the matrix."""
        return sorted({(row, event.item) for row, user in enumerate(self.users) for event in user})

    def where(self, kept: list[bool]) -> Model:
        """With the events that a list over all of them names."""
        left = iter(kept)
        return replace(self, users=tuple(tuple(event for event in user if next(left)) for user in self.users))

    def of_users(self, rows: list[int]) -> Model:
        return Model(tuple(self.users[row] for row in rows), tuple(self.now[row] for row in rows))


def built(model: Model) -> Histories:
    """A column of which nothing is known is None."""
    events = model.events
    kinds = [-1 if event.kind is None else KINDS.index(event.kind) for event in events]
    return Histories(
        np.cumsum([0, *map(len, model.users)], dtype=np.int64),
        np.array([event.item for event in events], dtype=np.int32),
        N_ITEMS,
        _column([event.time for event in events], np.float64),
        _column([event.weight for event in events], np.float32),
        np.array(kinds, dtype=np.int16) if any(event.kind for event in events) else None,
        KINDS,
        _column(list(model.now), np.float64),
    )


def _column(values: list[float | None], dtype: type) -> np.ndarray | None:
    if all(value is None for value in values):
        return None
    return np.array([NAN if value is None else value for value in values], dtype=dtype)


def read(found: Histories) -> Model:
    """What histories say."""
    n = found.n_events
    kinds = [-1] * n if found.kinds is None else found.kinds.tolist()
    columns = zip(
        found.items.tolist(),
        _values(found.times, n),
        _values(found.weights, n),
        [None if kind < 0 else found.kind_names[kind] for kind in kinds],
        strict=True,
    )
    events = [Told(*event) for event in columns]
    bounds = zip(found.offsets[:-1], found.offsets[1:], strict=True)
    return Model(tuple(tuple(events[first:last]) for first, last in bounds), tuple(_values(found.now, len(found))))


def _values(column: np.ndarray | None, n: int) -> list[float | None]:
    return [None] * n if column is None else [None if np.isnan(value) else value for value in column.tolist()]


def maybe(values: st.SearchStrategy, known: bool) -> st.SearchStrategy:
    return st.none() | values if known else st.none()


@st.composite
def models(draw: st.DrawFn, most: int = 5) -> Model:
    """Some of the columns are known, in part; items repeat, users without events are frequent."""
    times, weights, kinds, now = (draw(st.booleans()) for _ in range(4))
    event = st.builds(
        Told,
        st.integers(0, N_ITEMS - 1),
        maybe(st.integers(0, 9).map(float), times),
        maybe(st.integers(-2, 5).map(float), weights),
        maybe(st.sampled_from(KINDS), kinds),
    )
    users = draw(st.lists(st.lists(event, max_size=6).map(tuple), max_size=most).map(tuple))
    moments = draw(st.tuples(*(maybe(st.integers(0, 99).map(float), now) for _ in users)))
    return Model(users, moments)


@given(models())
def test_histories_say_what_they_were_made_of(model: Model) -> None:
    found = built(model)
    assert read(found) == model
    assert (len(found), found.n_events, found.shape) == (
        len(model.users),
        len(model.events),
        (len(model.users), N_ITEMS),
    )
    assert found.users.tolist() == [row for row, user in enumerate(model.users) for _ in user]
    assert found.is_empty.tolist() == [not user for user in model.users]


@given(models())
def test_the_matrix_is_binary_with_each_item_of_a_user_once_and_ascending(model: Model) -> None:
    matrix = built(model).matrix()
    assert matrix.shape == (len(model.users), N_ITEMS)
    assert matrix.dtype == np.float32
    rows = np.repeat(np.arange(len(model.users)), np.diff(matrix.indptr))
    assert list(zip(rows.tolist(), matrix.indices.tolist(), strict=True)) == model.entries
    assert (matrix.data == 1).all()
    assert matrix.has_canonical_format


@given(models(), st.data())
def test_the_last_event_decides_for_or_against_an_item_and_the_largest_counts(
    model: Model, data: st.DataObject
) -> None:
    n = len(model.events)
    values = data.draw(st.lists(st.integers(-3, 4), min_size=n, max_size=n))
    found = built(model)
    weighed = found.weighed(np.array(values, dtype=np.float32))
    of_entry: dict[tuple[int, int], list[int]] = {entry: [] for entry in model.entries}
    for user, event, value in zip(found.users.tolist(), model.events, values, strict=True):
        of_entry[user, event.item].append(value)
    expected = [min(v for v in of if v < 0) if of[-1] < 0 else max(v for v in of if v >= 0) for of in of_entry.values()]
    matrix = weighed.weighed_matrix()
    assert matrix.dtype == np.float32
    assert matrix.data.tolist() == expected
    # Entries stay where the values are zero, and the binary matrix does not change.
    np.testing.assert_array_equal(matrix.indices, found.matrix().indices)
    np.testing.assert_array_equal(matrix.indptr, found.matrix().indptr)
    assert (weighed.matrix().data == 1).all()
    np.testing.assert_array_equal(found.weighed_matrix().toarray(), found.matrix().toarray())


@given(models(), st.data())
def test_the_history_before_an_event(model: Model, data: st.DataObject) -> None:
    found = built(model)
    n = found.n_events
    events = data.draw(st.lists(st.integers(0, n - 1), max_size=5)) if n else []
    before = found.before(np.array(events, dtype=np.int64))
    owners = [(row, place) for row, user in enumerate(model.users) for place in range(len(user))]
    assert [list(user) for user in read(before).users] == [
        list(model.users[r][:p]) for r, p in map(owners.__getitem__, events)
    ]
    if found.times is not None:
        assert read(before).now == tuple(model.events[event].time for event in events)


@given(models())
def test_places_count_from_the_end_and_the_first_event_on_an_item_is_known(model: Model) -> None:
    found = built(model)
    assert found.places.tolist() == [place for user in model.users for place in reversed(range(len(user)))]
    first = [
        event.item not in {e.item for e in user[:place]} for user in model.users for place, event in enumerate(user)
    ]
    assert found.is_first.tolist() == first


@given(models(), st.integers(0, 9))
def test_shuffled_histories_hold_the_same_events(model: Model, seed: int) -> None:
    found = read(built(model).shuffled(np.random.default_rng(seed)))
    assert found.now == model.now
    assert [sorted(map(repr, user)) for user in found.users] == [sorted(map(repr, user)) for user in model.users]


@given(models())
def test_every_event_has_its_entry_of_the_matrix(model: Model) -> None:
    found = built(model)
    named = [model.entries[place] for place in found.entries.tolist()]
    assert named == [(row, event.item) for row, user in enumerate(model.users) for event in user]


@given(models())
def test_lengths_and_users_of_items_count_each_pair_once(model: Model) -> None:
    found = built(model)
    assert found.lengths.tolist() == [len({event.item for event in user}) for user in model.users]
    assert found.item_users().tolist() == [sum(item == other for _, other in model.entries) for item in range(N_ITEMS)]


@given(models(), st.data())
def test_users_are_taken_by_slice_mask_or_place(model: Model, data: st.DataObject) -> None:
    found, n = built(model), len(model.users)
    rows = list(range(n))
    part = data.draw(st.slices(n)) if n else slice(None)
    assert read(found.take(part)) == model.of_users(rows[part])
    # A slice that goes beyond the users, as the last batch of several may.
    assert read(found.take(slice(n // 2, n + 7))) == model.of_users(rows[n // 2 :])
    assert read(found.take(slice(n, 0))) == model.of_users([])
    mask = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    assert read(found.take(np.array(mask, dtype=bool))) == model.of_users([row for row in rows if mask[row]])
    places = data.draw(st.lists(st.integers(-n, n - 1), max_size=8)) if n else []
    taken = found.take(np.array(places, dtype=np.intp))
    assert read(taken) == model.of_users(places)
    np.testing.assert_array_equal(taken.matrix().toarray(), found.matrix().toarray()[places])


@given(models(), st.data())
def test_kept_events_stay_with_their_users(model: Model, data: st.DataObject) -> None:
    n = len(model.events)
    mask = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    assert read(built(model).keep(np.array(mask, dtype=bool))) == model.where(mask)


@given(models(), st.data())
def test_kept_entries_keep_all_events_on_their_pairs(model: Model, data: st.DataObject) -> None:
    n = len(model.entries)
    mask = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    found = built(model)
    kept = {pair for pair, wanted in zip(model.entries, mask, strict=True) if wanted}
    expected = model.where([(row, event.item) in kept for row, user in enumerate(model.users) for event in user])
    assert read(found.keep_entries(np.array(mask, dtype=bool))) == expected


@given(models(), st.integers(0, 7))
def test_the_last_events_of_each_user(model: Model, n: int) -> None:
    expected = replace(model, users=tuple(user[max(len(user) - n, 0) :] for user in model.users))
    assert read(built(model).last(n)) == expected


@given(models(), st.data())
def test_histories_are_asked_at_a_moment(model: Model, data: st.DataObject) -> None:
    found, n = built(model), len(model.users)
    assert read(found.at(7.0)) == replace(model, now=(7.0,) * n)
    assert read(found.at(None)) == replace(model, now=(None,) * n)
    moments = data.draw(st.lists(st.integers(0, 99).map(float), min_size=n, max_size=n))
    given_moments = np.array(moments, dtype=np.float64)
    asked = found.at(given_moments)
    given_moments[:] = -1
    assert read(asked) == replace(model, now=tuple(moments))
    assert read(found) == model


@given(models())
def test_what_a_matrix_holds_comes_back(model: Model) -> None:
    matrix = built(model).matrix()
    weighed = sp.csr_array((np.full(matrix.nnz, 3.5, np.float32), matrix.indices, matrix.indptr), shape=matrix.shape)
    found = Histories.of_matrix(weighed)
    np.testing.assert_array_equal(found.matrix().toarray(), matrix.toarray())
    users = tuple(tuple(Told(item) for row, item in model.entries if row == user) for user in range(len(model.users)))
    assert read(found) == Model(users, (None,) * len(users))


@given(st.lists(st.integers(0, N_ITEMS - 1), max_size=8))
def test_items_are_one_history_or_a_history_each(items: list[int]) -> None:
    events = tuple(Told(item) for item in items)
    assert read(Histories.of_items(items, N_ITEMS)) == Model((events,), (None,))
    alone = Histories.single_items(np.array(items, dtype=np.intp), N_ITEMS)
    assert read(alone) == Model(tuple((event,) for event in events), (None,) * len(items))
    np.testing.assert_array_equal(alone.matrix().toarray(), np.eye(N_ITEMS)[items])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"offsets": np.zeros(0, np.int64)}, "offsets must run from 0 to the 3 events"),
        ({"offsets": np.array([1, 3])}, "offsets must run from 0"),
        ({"offsets": np.array([0, 2])}, "offsets must run from 0"),
        ({"offsets": np.array([0, 4])}, "offsets must run from 0"),
        ({"offsets": np.array([0, 3, 2, 3])}, "offsets must not fall"),
        ({"times": np.zeros(2)}, "times has 2 entries for 3 events"),
        ({"weights": np.zeros(4, np.float32)}, "weights has 4 entries for 3 events"),
        ({"kinds": np.zeros(1, np.int16)}, "kinds has 1 entries for 3 events"),
        ({"values": np.zeros(2, np.float32)}, "values has 2 entries for 3 events"),
        ({"now": np.zeros(2)}, "now has 2 entries for 1 users"),
    ],
)
def test_columns_that_do_not_fit_are_refused(changes: dict[str, np.ndarray], message: str) -> None:
    whole = Histories.of_items([2, 0, 2], N_ITEMS)
    with pytest.raises(ValueError, match=message):
        replace(whole, **changes)


@given(models(), st.randoms(use_true_random=False))
def test_interactions_become_histories_in_the_order_of_time_then_of_a_hash(model: Model, random: Random) -> None:
    rows = [(user, event) for user, events in enumerate(model.users) for event in events]
    random.shuffle(rows)
    whole = built(Model((tuple(event for _, event in rows),), (None,)))
    found = Interactions(
        np.array([user for user, _ in rows], dtype=np.int32),
        whole.items,
        [f"u{user}" for user in range(len(model.users))],
        N_ITEMS,
        whole.weights,
        whole.times,
        whole.kinds,
        KINDS,
    )

    ties = tie_order(np.arange(N_ITEMS, dtype=np.int32)).tolist()

    def place(event: Told) -> tuple[float, int]:
        if found.times is None:
            return (0.0, event.item)
        return (float("inf") if event.time is None else event.time, ties[event.item])

    # Sorting is stable: what has the same time and item stays in the order of the rows.
    users = tuple(
        tuple(sorted((event for owner, event in rows if owner == user), key=place)) for user in range(len(model.users))
    )
    histories = found.histories()
    assert read(histories) == Model(users, (None,) * len(users))
    np.testing.assert_array_equal(histories.matrix().toarray(), found.matrix().toarray())
    for column in ("times", "weights", "kinds"):
        assert (getattr(histories, column) is None) == (getattr(found, column) is None)


@given(models(), st.data())
def test_interactions_taken_in_part_keep_their_columns(model: Model, data: st.DataObject) -> None:
    whole = built(model)
    names = [f"u{user}" for user in range(len(model.users))]
    found = Interactions(
        whole.users.astype(np.int32), whole.items, names, N_ITEMS, whole.weights, whole.times, whole.kinds, KINDS
    )
    mask = data.draw(st.lists(st.booleans(), min_size=len(found), max_size=len(found)))
    part = found.take(np.array(mask, dtype=bool))
    kept = whole.keep(np.array(mask, dtype=bool))
    np.testing.assert_array_equal(part.users, kept.users)
    expected = [event for event, wanted in zip(model.events, mask, strict=True) if wanted]
    assert sorted(map(str, read(part.histories()).events)) == sorted(map(str, expected))


def test_the_order_of_ties_does_not_follow_the_index() -> None:
    order = np.argsort(tie_order(np.arange(2000, dtype=np.int32)))
    assert abs(np.corrcoef(order, np.arange(2000))[0, 1]) < 0.1
    assert len(np.unique(tie_order(np.arange(100_000, dtype=np.int32)))) == 100_000
