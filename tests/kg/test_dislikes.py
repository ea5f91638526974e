"""Dislikes in `Histories`, against lists of a user's events in plain Python."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.histories import Histories
from kg.interactions import Interactions

N_ITEMS = 4


class Said(NamedTuple):
    """A like or a dislike, its time and value."""

    item: int
    time: float
    value: float
    is_like: bool


@st.composite
def users_said(draw: st.DrawFn) -> list[list[Said]]:
    """The events of some users, sorted by time, of one time the dislikes last."""
    said = st.builds(
        Said,
        st.integers(0, N_ITEMS - 1),
        st.integers(0, 5).map(float),
        st.integers(0, 3).map(float),
        st.booleans(),
    )
    users = draw(st.lists(st.lists(said, max_size=6), max_size=4))
    return [sorted(user, key=lambda event: (event.time, not event.is_like)) for user in users]


def built(users: list[list[Said]], *, timed: bool = True) -> Histories:
    likes, dislikes = (_part(users, is_like, timed) for is_like in (True, False))
    return replace(likes, dislikes=dislikes)


def _part(users: list[list[Said]], is_like: bool, timed: bool) -> Histories:
    chosen = [[event for event in user if event.is_like is is_like] for user in users]
    events = [event for user in chosen for event in user]
    return Histories(
        np.cumsum([0, *map(len, chosen)], dtype=np.int64),
        np.array([event.item for event in events], dtype=np.int32),
        N_ITEMS,
        np.array([event.time for event in events]) if timed else None,
        values=np.array([event.value for event in events], dtype=np.float32),
        is_ordered=timed,
    )


def expected(user: list[Said]) -> dict[int, float]:
    """The value of each item: the last event that counts decides, with the largest value of its side."""
    values: dict[int, float] = {}
    for item in sorted({event.item for event in user}):
        events = [event for event in user if event.item == item]
        last = [event.is_like or not event.value for event in events][-1]
        side = [event.value for event in events if (event.is_like or not event.value) is last]
        found = max((event.value for event in events if event.is_like), default=0.0) if last else -max(side)
        values[item] = found
    return values


@given(users_said(), st.booleans())
def test_the_last_event_decides_and_without_an_order_a_dislike(users: list[list[Said]], timed: bool) -> None:
    found = built(users, timed=timed)
    if not timed:
        users = [sorted(user, key=lambda event: not event.is_like) for user in users]
    weighed = found.weighed_matrix()
    assert weighed.dtype == np.float32
    np.testing.assert_array_equal(weighed.indices, found.known().indices)
    np.testing.assert_array_equal(weighed.indptr, found.known().indptr)
    for row, user in enumerate(users):
        entries = slice(weighed.indptr[row], weighed.indptr[row + 1])
        assert dict(zip(weighed.indices[entries].tolist(), weighed.data[entries].tolist(), strict=True)) == expected(
            user
        )
    ones = [[event._replace(value=1.0) for event in user] for user in users]
    against = [value < 0 for user in ones for value in expected(user).values()]
    assert found.is_disliked().tolist() == against


@given(users_said(), st.booleans())
def test_what_is_decided_has_one_side_for_each_item(users: list[list[Said]], timed: bool) -> None:
    found = built(users, timed=timed)
    decided = found.decided()
    assert decided.dislikes is not None
    both = decided.matrix().multiply(decided.dislikes.matrix())
    assert both.nnz == 0
    np.testing.assert_array_equal(decided.known().toarray(), found.known().toarray())
    assert decided.is_disliked().tolist() == found.is_disliked().tolist()
    assert decided.lengths.sum() == np.count_nonzero(~found.is_disliked())


@given(users_said(), st.data())
def test_likes_are_all_that_lengths_and_the_binary_matrix_know(users: list[list[Said]], data: st.DataObject) -> None:
    found = built(users)
    alone = replace(found, dislikes=None)
    assert found.lengths.tolist() == alone.lengths.tolist()
    assert found.n_events == alone.n_events
    assert found.is_empty.tolist() == alone.is_empty.tolist()
    np.testing.assert_array_equal(found.matrix().toarray(), alone.matrix().toarray())
    assert found.has_dislikes.tolist() == [any(not event.is_like for event in user) for user in users]
    rows = data.draw(st.lists(st.integers(0, len(users) - 1), max_size=4)) if users else []
    taken = found.take(np.array(rows, dtype=np.intp))
    np.testing.assert_array_equal(taken.weighed_matrix().toarray(), found.weighed_matrix().toarray()[rows])
    none = found.keep(np.zeros(found.n_events, dtype=bool))
    assert none.has_dislikes.tolist() == found.has_dislikes.tolist()
    assert none.is_empty.all()


@given(users_said())
def test_a_history_before_an_event_knows_the_dislikes_before_it(users: list[list[Said]]) -> None:
    found = built(users)
    before = found.before(np.arange(found.n_events))
    likes = [(user, event) for user in users for event in user if event.is_like]
    assert before.dislikes is not None
    for row, (user, like) in enumerate(likes):
        earlier = [event.item for event in user if not event.is_like and event.time < like.time]
        first, last = before.dislikes.offsets[row : row + 2]
        assert before.dislikes.items[first:last].tolist() == earlier


@given(users_said())
def test_a_beginning_knows_the_dislikes_up_to_its_last_like(users: list[list[Said]]) -> None:
    begun = built(users).begun()
    assert begun.now is None
    assert begun.dislikes is not None
    for row, user in enumerate(users):
        latest = max((event.time for event in user if event.is_like), default=-np.inf)
        first, last = begun.dislikes.offsets[row : row + 2]
        known = [event.item for event in user if not event.is_like and event.time <= latest]
        assert begun.dislikes.items[first:last].tolist() == known
    assert built(users, timed=False).begun().dislikes is None


def test_dislikes_of_other_users_are_refused() -> None:
    one = Histories.of_items([1], N_ITEMS)
    with pytest.raises(ValueError, match="dislikes are of shape"):
        replace(one, dislikes=one.take(np.array([0, 0])))


def test_events_of_named_users_are_put_into_their_rows() -> None:
    events = Interactions(
        np.array([0, 0, 1, 2], np.int32),
        np.array([3, 1, 2, 0], np.int32),
        ["a", "b", "c"],
        N_ITEMS,
        times=np.arange(4.0),
    )
    found = events.of_users(["c", "new", "a"])
    assert list(found.user_ids) == ["c", "new", "a"]
    assert list(zip(found.users.tolist(), found.items.tolist(), strict=True)) == [(2, 3), (2, 1), (0, 0)]
    assert found.histories().offsets.tolist() == [0, 1, 1, 3]
