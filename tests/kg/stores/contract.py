"""The contract of `GraphStore`: what every store must do, as tests that a store's own test class inherits.

A store's test module has a class that inherits `GraphStoreContract`, sets `kind` to the store's name in
`kg.stores.STORES`, and gives the fixture `url`: where a store can be made that nothing has been written to.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest

from kg.graph import KnowledgeGraph, UnknownNode
from kg.rows import EdgeRow, Event, NodeRow
from kg.schema import DomainSchema
from kg.stores import (
    Appended,
    FinishReport,
    GraphStore,
    Refusal,
    SchemaMismatch,
    StoreEmpty,
    StoreError,
    StoreLoading,
    StoreLocked,
    StoreNotFound,
    WriteReport,
    open_store,
)
from tests.kg.domain import EDGES, EVENTS, NODES, films_schema


def load(
    store: GraphStore,
    *,
    nodes: Sequence[NodeRow] = NODES,
    edges: Sequence[EdgeRow] = EDGES,
    events: Sequence[Event] = EVENTS,
    replace: bool = False,
    schema: DomainSchema | None = None,
) -> FinishReport:
    """Load rows completely, all in one batch of each sort; nothing may be refused."""
    with store.begin_load(schema or films_schema(), replace=replace, source_digest="digest") as writer:
        reports = [writer.write_nodes(nodes)]
        for relation in sorted({edge.relation for edge in edges}):
            reports.append(writer.write_edges(relation, [edge for edge in edges if edge.relation == relation]))
        reports.append(writer.write_events(events))
        assert sum(reports, WriteReport()).refused == ()
        return writer.finish()


def same(graph: KnowledgeGraph, other: KnowledgeGraph) -> bool:
    """Whether two snapshots have the same content, facts and events."""
    return (graph.digest, graph.events_digest) == (other.digest, other.events_digest)


def expected(
    nodes: Sequence[NodeRow] = NODES, edges: Sequence[EdgeRow] = EDGES, events: Sequence[Event] = EVENTS
) -> KnowledgeGraph:
    """The snapshot that a store of these rows must give."""
    return KnowledgeGraph.from_rows(films_schema(), nodes, edges, events)


class GraphStoreContract:
    """Tests of every store."""

    kind: str
    """Name in `kg.stores.STORES`."""

    @pytest.fixture
    def url(self) -> str:
        raise AssertionError("a store's test class gives the fixture `url`")

    @pytest.fixture
    def store(self, url: str) -> Iterator[GraphStore]:
        store = open_store(url, create=True)
        yield store
        store.close()

    @pytest.fixture
    def other(self, store: GraphStore) -> Iterator[GraphStore]:
        """The same store, opened again as another process would."""
        other = open_store(store.url)
        yield other
        other.close()

    # Opening

    def test_is_a_store(self, store: GraphStore) -> None:
        assert isinstance(store, GraphStore)

    def test_a_store_that_is_not_there_is_not_found(self, url: str) -> None:
        with pytest.raises(StoreNotFound):
            open_store(url)

    def test_an_empty_store_says_so(self, store: GraphStore) -> None:
        assert store.state().generation == 0
        assert store.state().loading is None
        for ask in (store.schema, store.snapshot, store.counts):
            with pytest.raises(StoreEmpty):
                ask()
        with pytest.raises(StoreEmpty):
            store.append_events(EVENTS)
        with pytest.raises(StoreEmpty):
            store.delete_user("ann")

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

    def test_in_one_load_the_first_of_contradicting_rows_stands(self, store: GraphStore) -> None:
        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            writer.write_nodes(NODES)
            report = writer.write_nodes([NODES[0], NodeRow("film", "2", "Other"), NodeRow("film", "x", "a")])
            assert (report.new, report.changed, report.same) == (1, 0, 1)
            assert [refusal.row for refusal in report.refused] == [1]
            assert "other content" in report.refused[0].reason
            within = [NodeRow("film", "y", "a"), NodeRow("film", "y", "b"), NodeRow("film", "y", "a")]
            report = writer.write_nodes(within)
            assert (report.new, report.same) == (1, 1)
            assert [refusal.row for refusal in report.refused] == [1]
            one = Event.of("ann", "1", "film", "rating", weight=1.0, id="e")
            two = Event.of("ann", "1", "film", "rating", weight=2.0, id="e")
            assert writer.write_events([one]).new == 1
            report = writer.write_events([two, one])
            assert report.same == 1
            assert [refusal.row for refusal in report.refused] == [0]

    def test_rows_that_fit_nothing_are_refused_one_by_one(self, store: GraphStore) -> None:
        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            bad = [NodeRow("movie", "1", "x"), NodeRow("film", "", "x"), NodeRow("film", "\ud800", "x")]
            report = writer.write_nodes([*bad, *NODES])
            assert report.new == len(NODES)
            assert [refusal.row for refusal in report.refused] == [0, 1, 2]
            edges = [EdgeRow("director", "1", "nobody"), EDGES[0], EdgeRow("director", "none", "qt")]
            report = writer.write_edges("director", edges)
            assert report.new == 1
            assert [refusal.row for refusal in report.refused] == [0, 2]
            assert "nobody" in report.refused[0].reason
            assert len(writer.write_edges("unknown", edges).refused) == 3
            events = [
                Event.of("ann", "nothing", "film", "rating"),
                Event.of("ann", "1", "person", "rating"),
                Event.of("ann", "1", "film", "bought"),
                Event.of("ann", "1", "film", "rating", weight=float("inf")),
                Event.of("", "1", "film", "rating"),
                EVENTS[0],
            ]
            report = writer.write_events(events)
            assert report.new == 1
            assert [refusal.row for refusal in report.refused] == [0, 1, 2, 3, 4]
            assert all(refusal.reason for refusal in report.refused)
            writer.finish()
        assert same(store.snapshot(), expected(edges=[EDGES[0]], events=[EVENTS[0]]))
        assert store.counts().dangling == 0

    def test_replace_removes_what_the_source_no_longer_has(self, store: GraphStore) -> None:
        load(store)
        live = Event.of("dora", "1", "film", "view", time=100.0)
        lost = Event.of("dora", "10", "film", "view", time=100.0)
        assert store.append_events([live, lost]).written == 2
        nodes = [node for node in NODES if node.key not in ("10", "11", "rr", "bob")]
        edges = [edge for edge in EDGES if "10" not in (edge.head, edge.tail)]
        finish = load(store, nodes=nodes, edges=edges, events=EVENTS[:5], replace=True)
        # The user "bob" stays as a bare user, because an event still names it.
        assert (finish.removed_nodes, finish.removed_edges, finish.removed_events) == (3, 3, 3)
        graph = store.snapshot()
        assert same(graph, expected(nodes, edges, [*EVENTS[:5], live]))
        assert store.counts().dangling == 0
        assert store.counts().nodes["viewer"] == 4

    def test_replace_hangs_nothing_on_what_it_will_remove(self, store: GraphStore) -> None:
        load(store)
        with store.begin_load(films_schema(), replace=True, source_digest="") as writer:
            writer.write_nodes([node for node in NODES if node.key != "10"])
            assert len(writer.write_edges("sequel", [EdgeRow("sequel", "10", "11")]).refused) == 1
            assert len(writer.write_events([Event.of("ann", "10", "film", "view")]).refused) == 1
            writer.finish()
        assert store.counts().dangling == 0

    def test_a_schema_that_does_not_fit_needs_replace(self, store: GraphStore) -> None:
        load(store)
        interactions = {"view": {"items": ["film", "series"], "label": "watched"}}
        fewer = films_schema(interactions=interactions)
        with pytest.raises(SchemaMismatch, match="rating"):
            store.begin_load(fewer, replace=False, source_digest="")
        assert store.state().loading is None
        views = [event for event in EVENTS if event.kind == "view"]
        store.append_events([Event.of("eve", "1", "film", "rating", weight=4.0)])
        load(store, schema=fewer, events=views, replace=True)
        assert same(store.snapshot(), KnowledgeGraph.from_rows(fewer, NODES, EDGES, views))
        load(store)
        assert same(store.snapshot(), expected())

    def test_a_schema_that_only_says_things_differently_is_a_new_generation(self, store: GraphStore) -> None:
        load(store)
        interactions = {
            "rating": {"items": "film", "positive": {"min_weight": 2}},
            "view": {"items": ["film", "series"], "label": "saw"},
        }
        finish = load(store, schema=films_schema(interactions=interactions))
        assert finish.state.generation == 2
        assert store.snapshot().schema.interactions["view"].label == "saw"

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
            # Feedback goes on meanwhile, and is served; an event on an item that is not served yet is kept.
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

    # Events

    def test_appended_events_are_in_the_next_snapshot(self, store: GraphStore, other: GraphStore) -> None:
        load(store)
        before = other.snapshot()
        events = [
            Event.of("ann", "10", "film", "view", time=99.0),
            Event.of("new user", "9", "series", "view", weight=2.5, id="given id"),
            Event.of("ann", "10", "film", "view", time=100.0),
        ]
        report = store.append_events(events)
        assert report.outcomes == (Appended.WRITTEN,) * 3
        assert report.event_generation == other.state().event_generation > before.event_generation
        assert other.state().generation == before.generation
        for view in (store, other):
            graph = view.snapshot()
            assert same(graph, expected(events=[*EVENTS, *events]))
            assert graph.digest == before.digest
        since, reached = other.events_since(before.event_generation)
        assert list(since) == events
        assert reached == report.event_generation
        assert other.events_since(reached) == ((), reached)

    def test_an_event_is_written_once(self, store: GraphStore) -> None:
        load(store)
        event = Event.of("ann", "1", "film", "rating", time=1.0, weight=4.0, id="e1")
        twin = Event.of("ann", "1", "film", "rating", time=1.0, weight=5.0, id="e1")
        assert store.append_events([event, event]).outcomes == (Appended.WRITTEN, Appended.ALREADY_THERE)
        report = store.append_events([twin, event, EVENTS[0]])
        assert report.outcomes == (Appended.REFUSED, Appended.ALREADY_THERE, Appended.ALREADY_THERE)
        assert report.written == 0
        assert report.already_there == 2
        assert [refusal.row for refusal in report.refused] == [0]
        assert "e1" in report.refused[0].reason
        assert same(store.snapshot(), expected(events=[*EVENTS, event]))

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

    def test_events_that_fit_nothing_are_refused_with_a_reason(self, store: GraphStore) -> None:
        load(store)
        events = [
            Event.of("ann", "unheard of", "film", "rating"),
            Event.of("ann", "9", "series", "rating"),
            Event.of("ann", "1", "film", "bought"),
            Event.of("ann", "1", "film", "view", time=float("nan")),
            Event.of("\udc80", "1", "film", "view", id="half a pair"),
            Event.of("ann", "1", "film", "view", id="good"),
        ]
        report = store.append_events(events)
        assert report.outcomes == (Appended.REFUSED,) * 5 + (Appended.WRITTEN,)
        assert [refusal.row for refusal in report.refused] == [0, 1, 2, 3, 4]
        for refusal, word in zip(report.refused, ("unheard of", "series", "bought", "time", "Unicode"), strict=True):
            assert isinstance(refusal, Refusal)
            assert word in refusal.reason

    def test_ids_and_keys_come_back_as_they_were(self, store: GraphStore) -> None:
        keys = ["a:b", "film:2", "Ünï çødé", "x" * 300, " ", "0" * 32, "f" * 32, "'; DROP TABLE node; --", "a\nb", "🎬"]
        load(store, nodes=[*NODES, *(NodeRow("film", key, key) for key in keys)])
        events = [Event.of(key, key, "film", "view", id=key, time=1.5) for key in keys]
        assert store.append_events(events).written == len(keys)
        since, _ = store.events_since(store.snapshot().event_generation - len(keys))
        assert list(since) == events
        graph = store.snapshot()
        assert same(graph, expected([*NODES, *(NodeRow("film", key, key) for key in keys)], EDGES, [*EVENTS, *events]))

    # Deleting

    def test_a_deleted_user_is_gone_everywhere(self, store: GraphStore, other: GraphStore) -> None:
        load(store)
        store.append_events([Event.of("ann", "10", "film", "view", time=99.0)])
        before = store.snapshot()
        other.snapshot()
        report = store.delete_user("ann")
        assert (report.user, report.found, report.events, report.edges, report.remaining) == ("ann", True, 6, 1, 0)
        nodes = [node for node in NODES if node.key != "ann"]
        edges = [edge for edge in EDGES if edge.relation != "lives"]
        events = [event for event in EVENTS if event.user != "ann"]
        for view in (store, other):
            graph = view.snapshot()
            assert same(graph, expected(nodes, edges, events))
            assert graph.digest == before.digest
            # Who read the store before must notice.
            assert graph.generation == view.state().generation > before.generation
        assert store.counts().dangling == 0

    def test_deleting_a_user_that_is_not_there(self, store: GraphStore) -> None:
        load(store)
        before = store.state()
        report = store.delete_user("nobody")
        assert (report.found, report.events, report.remaining) == (False, 0, 0)
        assert store.state() == before

    def test_a_deleted_user_may_come_back(self, store: GraphStore, other: GraphStore) -> None:
        load(store)
        store.snapshot()
        store.delete_user("ann")
        event = Event.of("ann", "2", "film", "view", time=1000.0)
        assert store.append_events([event]).written == 1
        for view in (other, store):
            (table,) = view.snapshot().events_of("ann")
            assert list(table.ids) == [event.id]
            assert view.snapshot().fields_of(view.snapshot().node_id("viewer", "ann")) == {}

    def test_a_user_is_deleted_while_a_load_goes_on(self, store: GraphStore, other: GraphStore) -> None:
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

    # Looking around

    def test_neighbours_are_listed_in_order(self, store: GraphStore) -> None:
        load(store)
        found = [(n.relation, n.forward, n.kind, n.key, n.label) for n in store.neighbours("film", "10", 10)]
        assert found == [
            ("director", True, "person", "qt", "Quentin Tarantino"),
            ("director", True, "person", "rr", "Robert Rodriguez"),
            ("sequel", True, "film", "11", "Kill Bill 2"),
        ]
        backwards = [(n.forward, n.key) for n in store.neighbours("person", "qt", 10)]
        assert backwards == [(False, "1"), (False, "10"), (False, "2")]
        assert len(store.neighbours("person", "qt", 2)) == 2
        assert [(n.relation, n.key) for n in store.neighbours("viewer", "ann", 10)] == [
            ("lives", "b"),
            ("rating", "1"),
            ("rating", "2"),
            ("view", "1"),
            ("view", "2"),
        ]
        # Who liked an item is nobody's business.
        assert all(n.kind != "viewer" for n in store.neighbours("film", "2", 10))
        for kind, key in (("film", "nothing"), ("nothing", "1")):
            with pytest.raises(UnknownNode):
                store.neighbours(kind, key, 10)

    def test_counts(self, store: GraphStore) -> None:
        load(store)
        counts = store.counts()
        assert counts.nodes == {"film": 5, "series": 2, "person": 2, "genre": 2, "city": 1, "viewer": 3}
        assert counts.edges["director"] == 4
        assert counts.edges["lives"] == 1
        assert counts.events == {"rating": 3, "view": 4}
        assert counts.dangling == 0

    # Many at once

    def test_threads_append_and_read_together(self, store: GraphStore) -> None:
        load(store)
        errors: list[BaseException] = []

        def append(thread: int) -> None:
            try:
                for number in range(10):
                    event = Event.of(f"u{thread}", "1", "film", "view", time=float(number))
                    assert store.append_events([event]).written == 1
                    assert len(store.snapshot().events_of(f"u{thread}")[0]) == number + 1
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=append, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert store.counts().events["view"] == 4 + 40

    def test_a_closed_store_says_so(self, url: str) -> None:
        store = open_store(url, create=True)
        store.close()
        with pytest.raises(StoreError):
            store.state()
