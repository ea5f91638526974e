"""The store contract: recorded events outlive a load that takes their item away."""

from __future__ import annotations

import pytest

from kg.rows import Event, event_identity
from kg.stores import GraphStore
from whypath.testing.stores.base import StoreFixtures, expected, load, same
from whypath.testing.stores.domain import EDGES, EVENTS, NODES, films_schema


class WaitingContract(StoreFixtures):
    """What every store does with recorded events whose item is away."""

    @pytest.mark.parametrize("replace", [False, True])
    def test_a_recorded_event_comes_back_with_its_item(
        self, store: GraphStore, other: GraphStore, *, replace: bool
    ) -> None:
        load(store)
        row = Event.of("eve", "2", "film", "rating", weight=4.0, time=90.0)
        # Of a user that nothing else names, with an id of its own, and one that the source states as well.
        recorded = [
            Event.of("zoe", "10", "film", "view", time=1.0, id="mine"),
            Event.of("ann", "10", "film", "view"),
            row,
        ]
        assert store.append_events(recorded).written == 3
        nodes = [node for node in NODES if node.key != "10"]
        edges = [edge for edge in EDGES if "10" not in (edge.head, edge.tail)]
        events = [event for event in EVENTS if event.item != "10"]
        for _ in range(2):
            assert load(store, nodes=nodes, edges=edges, events=events, replace=True).waiting_events == 2
            assert same(other.snapshot(), expected(nodes, edges, [*events, row]))
        start = store.state().event_generation
        identity = event_identity("ann", "10", "film", "view", None)
        again = Event.of("ann", "10", "film", "view", id=identity)
        with store.begin_load(films_schema(), replace=replace, source_digest="") as writer:
            writer.write_nodes(NODES)
            for edge in EDGES:
                writer.write_edges(edge.relation, [edge])
            writer.write_events([*EVENTS, again])
            assert writer.finish().waiting_events == 0
        for view in (store, other):
            assert same(view.snapshot(), expected(events=[*EVENTS, *recorded]))
        assert set(other.events_since(start)[0]) == set(recorded[:2])
        # Recorded again it is the event that is there.
        assert store.append_events(recorded).already_there == 3

    def test_what_waits_comes_back_where_a_load_names_no_event(self, store: GraphStore) -> None:
        load(store)
        view = Event.of("zoe", "11", "film", "view")
        store.append_events([view])
        with store.begin_load(films_schema(), replace=True, source_digest="") as writer:
            writer.write_nodes(NODES[:1])
            assert writer.finish().waiting_events == 1
        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            writer.write_nodes(NODES)
            assert writer.finish().waiting_events == 0
        assert same(store.snapshot(), expected(edges=[], events=[view]))

    def test_what_waits_is_deleted_with_its_user(self, store: GraphStore) -> None:
        load(store)
        # "zoe" has no node while her events wait.
        store.append_events(
            [Event.of(user, "11", "film", "view", time=float(n)) for user in ("zoe", "ann") for n in (1, 2)]
        )
        nodes = [node for node in NODES if node.key != "11"]
        edges = [edge for edge in EDGES if "11" not in (edge.head, edge.tail)]
        events = [event for event in EVENTS if event.item != "11"]
        assert load(store, nodes=nodes, edges=edges, events=events, replace=True).waiting_events == 4
        report = store.delete_user("zoe")
        assert (report.found, report.events, report.remaining) == (True, 2, 0)
        report = store.delete_user("ann")
        assert (report.events, report.remaining) == (2 + sum(event.user == "ann" for event in events), 0)
        assert load(store).waiting_events == 0
        assert same(store.snapshot(), expected())
        assert not store.delete_user("zoe").found
