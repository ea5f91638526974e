"""The store contract: loads, whole, repeated, replacing, in progress and interrupted."""

from __future__ import annotations

import pytest

from kg.graph import KnowledgeGraph
from kg.rows import EdgeRow, Event, NodeRow, RowLinks, event_identity
from kg.stores import (
    GraphStore,
    SchemaMismatch,
    StoreError,
    StoreLoading,
    StoreLocked,
    WriteReport,
)
from whypath.testing.stores.base import StoreFixtures, dangling, expected, load, same
from whypath.testing.stores.domain import EDGES, EVENTS, NODES, films_schema


class LoadContract(StoreFixtures):
    """What every store does with loads."""

    # Loading

    def test_a_load_gives_the_snapshot_of_its_rows(self, store: GraphStore) -> None:
        finish = load(store)
        graph = store.snapshot()
        assert same(graph, expected())
        assert graph.generation == finish.state.generation == store.state().generation == 1
        assert graph.event_generation == finish.state.event_generation
        assert store.schema().to_json() == films_schema().to_json()
        assert finish.state.loading is None

    def test_order_and_batches_of_a_load_make_no_difference(self, store: GraphStore) -> None:
        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            for node in reversed(NODES):
                assert writer.write_nodes([node]).new == 1
            for edge in reversed(EDGES):
                assert writer.write_edges(edge.relation, [edge]).new == 1
            for event in reversed(EVENTS):
                assert writer.write_events([event]).new == 1
            writer.finish()
        assert same(store.snapshot(), expected())

    def test_a_new_opening_sees_the_same(self, store: GraphStore, other: GraphStore) -> None:
        load(store)
        assert same(other.snapshot(), expected())
        assert other.state() == store.state()

    def test_loading_twice_changes_nothing(self, store: GraphStore) -> None:
        load(store)
        before, graph = store.state(), store.snapshot()
        with store.begin_load(films_schema(), replace=False, source_digest="digest") as writer:
            assert writer.write_nodes(NODES) == WriteReport(same=len(NODES))
            assert writer.write_edges("sequel", [EDGES[8]]) == WriteReport(same=1)
            assert writer.write_events(EVENTS) == WriteReport(same=len(EVENTS))
            writer.finish()
        assert store.state() == before
        assert same(store.snapshot(), graph)
        load(store, replace=True)
        assert store.state() == before
        assert same(store.snapshot(), graph)

    def test_a_row_is_upserted_across_loads(self, store: GraphStore) -> None:
        load(store)
        changed = NodeRow("film", "2", "Pulp Fiction!", "A text", {"year": 1995})
        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            report = writer.write_nodes([changed, NodeRow("film", "12", "Jackie Brown"), NODES[1]])
            assert report == WriteReport(new=1, changed=1, same=1)
            assert writer.finish().state.generation == 2
        nodes = [changed, NODES[1], *NODES[2:], NodeRow("film", "12", "Jackie Brown")]
        assert same(store.snapshot(), expected(nodes))

    def test_an_event_with_a_given_id_is_upserted_across_loads(self, store: GraphStore) -> None:
        first = Event.of("ann", "1", "film", "rating", weight=1.0, id="e1")
        second = Event.of("ann", "1", "film", "rating", weight=5.0, id="e1")
        load(store, events=[first])
        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            assert writer.write_events([second]) == WriteReport(changed=1)
            writer.finish()
        assert same(store.snapshot(), expected(events=[second]))

    def test_in_one_load_the_last_of_contradicting_events_stands(self, store: GraphStore) -> None:
        one, two, three, other = (
            Event.of("ann", "1", "film", "rating", weight=weight, id=id)
            for weight, id in ((1.0, "e"), (2.0, "e"), (3.0, "e"), (4.0, "f"))
        )
        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            writer.write_nodes(NODES)
            assert writer.write_events([one]) == WriteReport(new=1)
            # In a batch of its own, and within one batch.
            assert writer.write_events([two, two]) == WriteReport(same=1, corrected=1)
            assert writer.write_events([other, three, one, two]) == WriteReport(new=1, corrected=3)
            writer.finish()
        assert same(store.snapshot(), expected(edges=[], events=[two, other]))
        # Against what an earlier load stated it is one change.
        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            assert writer.write_events([three, one]) == WriteReport(changed=1, corrected=1)
            writer.finish()
        assert same(store.snapshot(), expected(edges=[], events=[one, other]))

    def test_an_event_that_was_recorded_is_no_second_one_when_a_source_says_it(self, store: GraphStore) -> None:
        load(store)
        recorded = Event.of("eve", "2", "film", "rating", weight=4.0, time=90.0)
        assert store.append_events([recorded]).written == 1

        def row(weight: float, time: float = 90.0) -> Event:
            id = event_identity("eve", "2", "film", "rating", time)
            return Event.of("eve", "2", "film", "rating", weight=weight, time=time, id=id)

        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            assert writer.write_events([row(4.0), row(3.0, 91.0)]) == WriteReport(new=1, same=1)
            # What was recorded while the load went on as well.
            late = Event.of("eve", "2", "film", "rating", weight=2.0, time=92.0)
            assert store.append_events([late]).written == 1
            assert writer.write_events([row(2.0, 92.0)]) == WriteReport(same=1)
            writer.finish()
        assert same(store.snapshot(), expected(events=[*EVENTS, recorded, row(3.0, 91.0), late]))
        # It stays its recorder's: a load that replaces everything does not take it.
        load(store, replace=True)
        assert same(store.snapshot(), expected(events=[*EVENTS, recorded, late]))

    def test_edges_and_events_whose_end_has_gone_are_refused_one_by_one(self, store: GraphStore) -> None:
        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            assert writer.write_nodes(NODES).new == len(NODES)
            edges = [EdgeRow("director", "1", "no one"), EDGES[0], EdgeRow("director", "none", "qt")]
            report = writer.write_edges("director", edges)
            assert report.new == 1
            assert [refusal.row for refusal in report.refused] == [0, 2]
            assert "no person 'no one'" in report.refused[0].reason
            assert "no film 'none'" in report.refused[1].reason
            links = [RowLinks("1", ("rr", "none")), RowLinks("none", ("qt",)), RowLinks("2", ("qt", "rr"))]
            report = writer.write_links("director", links)
            assert (report.new, report.same) == (3, 0)
            assert [refusal.row for refusal in report.refused] == [0, 1]
            report = writer.write_events([Event.of("ann", "nothing", "film", "rating"), EVENTS[0]])
            assert report.new == 1
            assert [refusal.row for refusal in report.refused] == [0]
            writer.finish()
        assert dangling(store) == 0

    def test_replace_removes_what_the_source_no_longer_has(self, store: GraphStore) -> None:
        load(store)
        live = Event.of("dora", "1", "film", "view", time=100.0)
        lost = Event.of("dora", "10", "film", "view", time=100.0)
        assert store.append_events([live, lost]).written == 2
        nodes = [node for node in NODES if node.key not in ("10", "11", "rr", "bob")]
        edges = [edge for edge in EDGES if "10" not in (edge.head, edge.tail)]
        finish = load(store, nodes=nodes, edges=edges, events=EVENTS[:5], replace=True)
        # The user "bob" stays as a bare user, because an event still names it.
        assert (finish.removed_nodes, finish.removed_edges, finish.removed_events) == (3, 3, 2)
        assert finish.waiting_events == 1
        graph = store.snapshot()
        assert same(graph, expected(nodes, edges, [*EVENTS[:5], live]))
        assert dangling(store) == 0
        assert len(store.snapshot().nodes("viewer")) == 4

    def test_a_schema_that_does_not_fit_needs_replace(self, store: GraphStore) -> None:
        load(store)
        interactions = {"view": {"items": ["film", "series"], "label": "watched"}}
        fewer = films_schema(interactions=interactions)
        with pytest.raises(SchemaMismatch, match="rating"):
            store.begin_load(fewer, replace=False, source_digest="")
        assert store.state().loading is None
        views = [event for event in EVENTS if event.kind == "view"]
        rated = Event.of("eve", "1", "film", "rating", weight=4.0)
        store.append_events([rated])
        assert load(store, schema=fewer, events=views, replace=True).waiting_events == 1
        assert same(store.snapshot(), KnowledgeGraph.from_rows(fewer, NODES, EDGES, views))
        finish = load(store)
        assert finish.waiting_events == 0
        assert same(store.snapshot(), expected(events=[*EVENTS, rated]))

    def test_a_schema_that_only_says_things_differently_is_a_new_generation(self, store: GraphStore) -> None:
        load(store)
        interactions = {
            "rating": {"items": "film", "positive": {"min_weight": 2}},
            "view": {"items": ["film", "series"], "label": "saw"},
        }
        finish = load(store, schema=films_schema(interactions=interactions))
        assert finish.state.generation == 2
        assert store.snapshot().schema.interactions["view"].label == "saw"

    # Events since

    def test_a_load_leaves_the_events_since_a_number(self, store: GraphStore, other: GraphStore) -> None:
        load(store)
        start = store.state().event_generation
        first, second, third = (Event.of("ann", "10", "film", "view", time=float(number)) for number in range(3))
        store.append_events([first])
        # The load brings an event of its own, and names the one that was appended.
        load(store, events=[*EVENTS, Event.of("zoe", "1", "film", "view", time=50.0), first])
        after = other.state().event_generation
        assert after > start
        assert (list(other.events_since(start)[0]), other.events_since(start)[1]) == ([first], after)
        assert list(other.events_since(after)[0]) == []
        # Numbers continue after it, and a load that changes nothing moves none.
        number = store.append_events([second]).event_generation
        assert number > after
        load(store)
        assert store.state().event_generation == number
        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            writer.write_events([Event.of("zoe", "1", "film", "view", time=51.0)])
            # Appended during a load.
            third_number = other.append_events([third]).event_generation
            assert list(other.events_since(after)[0]) == [second, third]
            writer.finish()
        assert list(other.events_since(start)[0]) == [first, second, third]
        assert other.state().event_generation >= third_number
        # What was recorded on an item that a replacing load removes is kept apart; the rest stays, named or not.
        gone = Event.of("eve", "11", "film", "view", time=2.0)
        assert store.append_events([gone]).written == 1
        assert list(other.events_since(third_number)[0]) == [gone]
        nodes = [node for node in NODES if node.key != "11"]
        load(store, nodes=nodes, edges=[edge for edge in EDGES if edge.tail != "11"], replace=True)
        assert list(other.events_since(start)[0]) == [first, second, third]

    # Loads in progress

    def test_serving_stays_on_the_last_complete_generation(self, store: GraphStore, other: GraphStore) -> None:
        load(store)
        writer = store.begin_load(films_schema(), replace=False, source_digest="new")
        with writer:
            writer.write_nodes([NodeRow("film", "2", "Changed"), NodeRow("film", "99", "New")])
            writer.write_events([Event.of("zoe", "1", "film", "view", time=50.0)])
            for view in (store, other):
                mark = view.state().loading
                assert mark is not None
                assert (mark.source_digest, mark.replace, mark.alive) == ("new", False, True)
                assert same(view.snapshot(), expected())
                assert view.state().generation == 1
            # Feedback is recorded meanwhile, and is served; an event on an item that is not served yet is kept.
            live = [Event.of("eve", "2", "film", "view", time=3.0), Event.of("eve", "99", "film", "view", time=4.0)]
            assert other.append_events(live).written == 2
            for view in (store, other):
                assert same(view.snapshot(), expected(events=[*EVENTS, live[0]]))
            since, reached = other.events_since(0)
            assert live[0] in since
            assert all(event.user != "zoe" for event in since)
            assert reached == other.state().event_generation
            writer.finish()
        nodes = [NodeRow("film", "2", "Changed"), *NODES[1:], NodeRow("film", "99", "New")]
        events = [*EVENTS, *live, Event.of("zoe", "1", "film", "view", time=50.0)]
        for view in (store, other):
            assert same(view.snapshot(), expected(nodes, EDGES, events))

    def test_a_first_load_has_nothing_to_serve(self, store: GraphStore, other: GraphStore) -> None:
        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            writer.write_nodes(NODES)
            with pytest.raises(StoreLoading, match="being loaded"):
                other.snapshot()
        with pytest.raises(StoreLoading, match="interrupted"):
            other.snapshot()

    def test_an_interrupted_load_can_be_run_again(self, store: GraphStore, other: GraphStore) -> None:
        load(store)
        films = [node for node in NODES if node.key != "11"]
        with store.begin_load(films_schema(), replace=True, source_digest="") as writer:
            writer.write_nodes([NodeRow("film", "2", "Changed"), NodeRow("film", "77", "Stray")])
        mark = other.state().loading
        assert mark is not None
        assert not mark.alive
        assert same(other.snapshot(), expected())
        edges = [edge for edge in EDGES if edge.relation != "sequel"]
        finish = load(other, nodes=films, edges=edges, replace=True)
        assert finish.state.generation == 2
        assert finish.state.loading is None
        for view in (store, other):
            assert same(view.snapshot(), expected(films, edges))

    def test_a_rerun_that_finds_everything_written_still_makes_a_generation(self, store: GraphStore) -> None:
        load(store)
        node = NodeRow("film", "77", "New")
        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            writer.write_nodes([node])
        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            assert writer.write_nodes([node]) == WriteReport(same=1)
            assert writer.finish().state.generation == 2
        assert same(store.snapshot(), expected([*NODES, node]))

    def test_only_one_load_at_a_time(self, store: GraphStore, other: GraphStore) -> None:
        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            with pytest.raises(StoreLocked, match="loading"):
                other.begin_load(films_schema(), replace=False, source_digest="")
            writer.write_nodes(NODES)
            writer.finish()
        load(other)
        with pytest.raises(StoreError):
            writer.write_nodes(NODES)

    # Loads and what happens during them

    def test_a_load_does_not_change_an_appended_event(self, store: GraphStore) -> None:
        load(store)
        event = Event.of("ann", "1", "film", "rating", weight=4.0, id="e1")
        store.append_events([event])
        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            report = writer.write_events([Event.of("ann", "1", "film", "rating", weight=5.0, id="e1"), event])
            assert report.same == 1
            assert [refusal.row for refusal in report.refused] == [0]
            writer.finish()
        assert same(store.snapshot(), expected(events=[*EVENTS, event]))

    def test_a_user_is_deleted_during_a_load(self, store: GraphStore, other: GraphStore) -> None:
        load(store)
        nodes = [node for node in NODES if node.key != "ann"]
        edges = [edge for edge in EDGES if edge.relation != "lives"]
        events = [event for event in EVENTS if event.user != "ann"]
        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            writer.write_nodes([NodeRow("film", "2", "Changed")])
            assert other.delete_user("ann").remaining == 0
            for view in (store, other):
                assert same(view.snapshot(), expected(nodes, edges, events))
            writer.finish()
        changed = [NodeRow("film", "2", "Changed"), *nodes[1:]]
        for view in (store, other):
            assert same(view.snapshot(), expected(changed, edges, events))
