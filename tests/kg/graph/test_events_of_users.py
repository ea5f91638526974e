"""What a snapshot tells of users' events: times, weights and kinds stay with the event they belong to, in one order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kg.graph import KnowledgeGraph
from kg.histories import Histories
from kg.rows import Event
from whypath.testing.stores.domain import NODES, films_schema

USERS = ("ann", "bob", "cid")
ITEMS = (("film", "1"), ("film", "2"), ("film", "ä"), ("series", "2"))
TIMES = st.none() | st.integers(1, 4).map(float)

RATINGS = st.builds(
    lambda user, item, time, stars: Event.of(user, item[1], item[0], "rating", time=time, weight=float(stars)),
    st.sampled_from(USERS),
    st.sampled_from(ITEMS[:3]),
    TIMES,
    st.integers(1, 5),
)
VIEWS = st.builds(
    lambda user, item, time, weight: Event.of(user, item[1], item[0], "view", time=time, weight=weight),
    st.sampled_from(USERS),
    st.sampled_from(ITEMS),
    TIMES,
    st.none() | st.integers(1, 9).map(float),
)
EVENTS = st.lists(RATINGS | VIEWS, max_size=25, unique_by=lambda event: event.id)

Told = tuple[int, float | None, float | None, str]


def expected(graph: KnowledgeGraph, events: Sequence[Event], user: str, positive_only: bool = True) -> list[Told]:
    """A user's events (item, time, weight, kind) by plain Python: by time, item and weight, the unknown last."""

    def place(told: Told) -> tuple[float, int, float, str]:
        item, time, weight, kind = told
        return (np.inf if time is None else time, item, np.inf if weight is None else weight, kind)

    own = [
        (graph.item_index(f"{event.item_kind}:{event.item}"), event.time, event.weight, event.kind)
        for event in events
        if event.user == user
        # films_schema calls ratings of 3 stars or more positive, and every view.
        and (not positive_only or event.kind == "view" or (event.weight or 0) >= 3)
    ]
    return sorted(own, key=place)


def told(history: Histories) -> list[Told]:
    """What the history of one user says."""

    def values(column: np.ndarray | None) -> list[float | None]:
        if column is None:
            return [None] * history.n_events
        return [None if np.isnan(value) else float(value) for value in column]

    assert len(history) == 1
    assert history.kinds is not None
    kinds = [history.kind_names[kind] for kind in history.kinds.tolist()]
    return list(zip(history.items.tolist(), values(history.times), values(history.weights), kinds, strict=True))


@given(EVENTS)
def test_times_weights_and_kinds_belong_to_their_events(events: list[Event]) -> None:
    graph = KnowledgeGraph.from_rows(films_schema(), NODES, [], events)
    for positive_only in (True, False):
        found = graph.interactions(positive_only)
        histories = found.histories()
        assert histories.shape == (len(found.user_ids), graph.n_items)
        for row, user in enumerate(found.user_ids):
            own = told(histories.take(slice(row, row + 1)))
            assert own == expected(graph, events, user, positive_only)
        names = {user for user in USERS if expected(graph, events, user, positive_only)}
        assert set(found.user_ids) == names


@given(EVENTS, st.sets(st.sampled_from(["rating", "view"])))
def test_the_history_of_a_user_is_what_interactions_say_of_them(events: list[Event], kinds: set[str]) -> None:
    graph = KnowledgeGraph.from_rows(films_schema(), NODES, [], events)
    for user in (*USERS, "nobody"):
        history, seen = graph.history_of(user, kinds)
        assert told(history) == expected(graph, events, user)
        # All kinds of the domain, as in `interactions`, so that a kind has one number everywhere.
        assert history.kind_names == graph.interactions().kind_names == ("rating", "view")
        had = {item for item, _, _, kind in expected(graph, events, user, positive_only=False) if kind in kinds}
        assert seen.tolist() == sorted(had)


@given(EVENTS, st.sampled_from(["rating", "view"]))
def test_interactions_of_one_kind_are_those_events_alone(events: list[Event], kind: str) -> None:
    graph = KnowledgeGraph.from_rows(films_schema(), NODES, [], events)
    found = graph.interactions(kinds=[kind])
    assert found.kind_names == (kind,)
    histories = found.histories()
    for row, user in enumerate(found.user_ids):
        own = [event for event in events if event.kind == kind]
        assert told(histories.take(slice(row, row + 1))) == expected(graph, own, user)
