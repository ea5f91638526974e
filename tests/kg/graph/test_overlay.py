"""Events laid over a snapshot, a few at a time: the same as a snapshot of all, and the tables below are not touched."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kg.graph.event_delta
import kg.graph.snapshot
from kg.graph import KnowledgeGraph
from kg.rows import EdgeRow, Event, NodeRow
from kg.schema import DomainSchema

SCHEMA = DomainSchema.from_mapping(
    {
        "name": "films",
        "nodes": {
            "film": {"role": "item", "source": "films.csv", "key": "id"},
            "person": {"source": "people.csv", "key": "id"},
            "viewer": {"role": "user"},
        },
        "relations": {
            "made_by": {"head": "film", "tail": "person", "source": "made.csv"},
            "knows": {"head": "viewer", "tail": "viewer", "source": "friends.csv"},
        },
        "interactions": {
            "rated": {
                "source": "ratings.csv",
                "columns": {"user": "u", "item": "i", "weight": "w"},
                "positive": {"min_weight": 4},
            },
            "viewed": {"source": "views.csv", "columns": {"user": "u", "item": "i"}, "positive": False},
        },
    }
)
NODES = [
    *(NodeRow("film", str(n), f"Film {n}") for n in range(6)),
    *(NodeRow("person", name, name) for name in "ab"),
    *(NodeRow("viewer", name, name) for name in ("u1", "u3")),
]
EDGES = [EdgeRow("made_by", str(n), "ab"[n % 2]) for n in range(6)] + [EdgeRow("knows", "u1", "u3")]

events = st.builds(
    lambda user, item, kind, time, weight: Event.of(user, item, "film", kind, time=time, weight=weight),
    st.sampled_from(["u0", "u1", "u2", "u3", "u4"]),
    st.sampled_from([str(n) for n in range(6)]),
    st.sampled_from(["rated", "viewed"]),
    st.sampled_from([None, 1.0, 2.0, 3.0]),
    st.sampled_from([None, 1.0, 5.0]),
)
batches = st.lists(st.lists(events, max_size=4), max_size=6)


def whole(laid: list[Event]) -> KnowledgeGraph:
    return KnowledgeGraph.from_rows(SCHEMA, NODES, EDGES, {event.id: event for event in laid}.values())


@settings(max_examples=80, deadline=None)
@given(st.lists(events, max_size=6), batches, st.sampled_from([1_000, 3, 0]))
def test_laying_events_over_gives_the_snapshot_of_all(below: list[Event], laid: list[list[Event]], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kg.graph.snapshot, "_LAID_EVENTS", most)
        patch.setattr(kg.graph.snapshot, "_LAID_SHARE", 0.0)
        graph, so_far = whole(below), list(below)
        for number, batch in enumerate(laid, 1):
            graph = graph.overlay(batch, event_generation=number)
            so_far += batch
            expected = whole(so_far)
            assert graph.event_generation == number
            assert (graph.n_nodes, graph.n_events) == (expected.n_nodes, sum(map(len, expected.events)))
            for user in ("u0", "u1", "u2", "u3", "u4", "nobody"):
                own, other = graph.events_of(user), expected.events_of(user)
                assert [(t.kind, t.items.tolist(), t.ids.to_list()) for t in own] == [
                    (t.kind, t.items.tolist(), t.ids.to_list()) for t in other
                ]
                liked, seen = graph.history_of(user, ["rated"])
                liked_then, seen_then = expected.history_of(user, ["rated"])
                assert liked.items.tolist() == liked_then.items.tolist()
                assert seen.tolist() == seen_then.tolist()
        expected = whole(so_far)
        assert graph.digest == expected.digest
        assert graph.events_digest == expected.events_digest
        assert [(r.name, r.heads.tolist(), r.tails.tolist()) for r in graph.relations] == [
            (r.name, r.heads.tolist(), r.tails.tolist()) for r in expected.relations
        ]
        assert graph.nodes("viewer").keys.to_list() == expected.nodes("viewer").keys.to_list()
        assert graph.concealed.tolist() == expected.concealed.tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(events, max_size=6), st.lists(events, max_size=5), st.lists(events, max_size=5))
def test_snapshots_made_from_one_do_not_see_each_others_events(
    below: list[Event], first: list[Event], second: list[Event]
) -> None:
    graph = whole(below)
    one = graph.overlay(first)
    two = graph.overlay(second)
    three = one.overlay(second)
    for made, laid in ((graph, []), (one, first), (two, second), (three, [*first, *second])):
        assert made.events_digest == whole([*below, *laid]).events_digest


def test_what_depends_on_facts_is_computed_once_for_all_events() -> None:
    graph = whole([])
    facts, labels, relations = graph.item_facts(), graph.item_labels, graph.relations
    later = graph.overlay([Event.of("u1", "2", "film", "rated", weight=5.0)])
    assert later.item_facts() is facts
    assert later.item_labels is labels
    assert later.relations is relations
    assert "_parts" not in vars(later)  # no table was copied
    later.history_of("u1", ["rated"])
    assert "_parts" not in vars(later)


def test_a_lock_that_nobody_gives_back_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the child of a fork, whose other threads stay behind."""
    monkeypatch.setattr(kg.graph.event_delta, "_LOCK_SECONDS", 0.01)
    graph = whole([]).overlay([Event.of("u1", "1", "film", "rated", weight=5.0)])
    graph._delta._log.lock.acquire()
    later = graph.overlay([Event.of("u2", "2", "film", "rated", weight=5.0)])
    assert later.n_events == 2
    assert graph.n_events == 1
    assert later.overlay([Event.of("u2", "3", "film", "rated", weight=5.0)]).n_events == 3


@pytest.mark.parametrize("most", [1_000, 0])
def test_an_id_that_another_user_has_hides_nobodys_event(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(kg.graph.snapshot, "_LAID_EVENTS", most)
    event = Event.of("u1", "1", "film", "rated", weight=5.0, id="x")
    graph = whole([event]).overlay([replace(event, user="u3")]).overlay([replace(event, user="u5")])
    for again in (event, replace(event, user="u3"), replace(event, user="u5")):
        graph = graph.overlay([again])
    assert [graph.history_of(user, [])[0].n_events for user in ("u1", "u3", "u5")] == [1, 1, 1]
    assert sum(map(len, graph.events)) == graph.n_events == 3


def test_events_on_unknown_items_and_kinds_are_left_out() -> None:
    graph = whole([]).overlay(
        [
            Event.of("u9", "99", "film", "rated", weight=5.0),
            Event.of("u9", "1", "book", "rated", weight=5.0),
            Event.of("u9", "1", "film", "what"),
        ]
    )
    assert graph.n_events == 0
    assert graph.nodes("viewer").keys.to_list() == ["u1", "u3"]
