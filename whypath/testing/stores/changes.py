"""The store contract: what has changed since a generation, snapshots that follow it, and upserts of a few rows."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from kg.graph import FactChanges, KnowledgeGraph
from kg.ingest import LoadError, NodeUpsert, upsert_nodes
from kg.rows import EdgeRow, Event, NodeRow, RowLinks
from kg.stores import GraphStore, RowsRefused, SchemaMismatch, StoreEmpty, StoreLocked
from kg.stores.snapshots import Snapshots
from whypath.testing.stores.base import StoreFixtures, expected, load, read_whole, same
from whypath.testing.stores.domain import EDGES, EVENTS, NODES, films_schema

FILM = NodeRow("film", "12", "Jackie Brown", "", {"year": 1997})


def following(store: GraphStore, monkeypatch: pytest.MonkeyPatch) -> KnowledgeGraph:
    """The snapshot, which a store that keeps its snapshots in `Snapshots` must not read as a whole."""

    def read(*_: object) -> None:
        raise AssertionError("the store was read as a whole")

    with monkeypatch.context() as patch:
        patch.setattr(Snapshots, "_read", read)
        return store.snapshot()


def changes(store: GraphStore, generation: int) -> FactChanges:
    found = store.facts_since(generation)
    assert found is not None
    return found


def _load_at_random(
    store: GraphStore, nodes: Sequence[NodeRow], draw: random.Random, step: int, *, replace: bool
) -> None:
    """Load nodes with random edges and links between them; an event is recorded during a load that does not replace."""
    films = [node.key for node in nodes if node.kind == "film"]
    people = [node.key for node in nodes if node.kind == "person"]
    with store.begin_load(films_schema(), replace=replace, source_digest=str(step)) as writer:
        writer.write_nodes(nodes)
        if films:
            ends = [(draw.choice(films), draw.choice(films)) for _ in range(3)]
            assert not writer.write_edges("sequel", [EdgeRow("sequel", *pair) for pair in ends]).refused
            stated = [RowLinks(film, tuple(draw.sample(people, min(len(people), 1)))) for film in films[:3]]
            assert not writer.write_links("director", stated).refused
            if not replace:
                store.append_events([Event.of("zed", draw.choice(films), "film", "view", time=float(step))])
        writer.finish()


class ChangeContract(StoreFixtures):
    """What every store that is loaded into does with changes of a few rows."""

    # What has changed

    def test_a_user_is_followed_whose_only_event_went_with_an_item_that_no_snapshot_had(
        self, store: GraphStore, other: GraphStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        load(store)
        other.snapshot()
        load(store, nodes=[FILM, *NODES])
        store.append_events([Event.of("zed", "12", "film", "view", time=1.0)])
        # The event made the user; the rows of the next load have the user and not the film.
        load(store, nodes=[*NODES, NodeRow("viewer", "zed", "zed")], replace=True)
        graph = following(other, monkeypatch)
        assert "zed" in graph.nodes("viewer").keys.to_list()
        assert same(graph, read_whole(store))

    def test_the_store_knows_what_a_load_has_changed(
        self, store: GraphStore, other: GraphStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        load(store)
        before = other.snapshot()
        edge = EdgeRow("director", "12", "qt")
        changed = NodeRow("film", "2", "Pulp Fiction!")
        nodes = [changed, FILM, *(node for node in NODES if (node.kind, node.key) not in {("film", "2")})]
        load(store, nodes=nodes, edges=[*EDGES, edge])
        found = changes(store, 1)
        assert (found.generation, found.removed, found.gone) == (2, (), [])
        assert sorted(found.nodes, key=lambda row: row.key) == sorted([FILM, changed], key=lambda row: row.key)
        assert edge in found.added
        graph = following(other, monkeypatch)
        assert same(graph, expected(nodes, [*EDGES, edge]))
        assert (graph.generation, before.generation) == (2, 1)
        assert changes(store, 2) == FactChanges(2, store.state().event_generation)
        assert store.facts_since(3) is None
        assert store.facts_since(0) is None

    def test_a_replacing_load_is_followed(
        self, store: GraphStore, other: GraphStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        load(store, events=[])
        store.append_events([EVENTS[0]])
        other.snapshot()
        event = EVENTS[0]
        nodes = [node for node in NODES if (node.kind, node.key) != (event.item_kind, event.item)]
        edges = [edge for edge in EDGES if event.item not in (edge.head, edge.tail)]
        load(store, nodes=[*nodes, FILM], edges=edges, events=[], replace=True)
        assert same(following(other, monkeypatch), expected([*nodes, FILM], edges, []))
        # It comes back with the event that waited, and without its edges.
        load(store, nodes=NODES, edges=[], events=[])
        graph = following(other, monkeypatch)
        assert same(graph, expected([*NODES, FILM], edges, [event]))
        assert same(store.snapshot(), graph)

    def test_random_changes_are_followed(
        self, store: GraphStore, other: GraphStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        draw = random.Random(4)
        load(store)
        other.snapshot()
        loaded = {(node.kind, node.key): node for node in NODES}
        for step in range(12):
            for _ in range(draw.randrange(3)):
                key = f"{draw.randrange(20)}"
                loaded["film", key] = NodeRow("film", key, f"Film {draw.random():.3f}", "", {"year": 1990 + step})
            some = [node for node in loaded.values() if draw.random() < 0.9 or node.kind == "viewer"]
            replace = draw.random() < 0.4
            if replace:
                loaded = {(node.kind, node.key): node for node in some}
            _load_at_random(store, some, draw, step, replace=replace)
            # Loaded events that go with a replacing load are not noted one by one.
            graph = other.snapshot() if replace else following(other, monkeypatch)
            assert same(graph, read_whole(store))

    def test_an_event_on_an_item_of_a_load_in_progress_comes_with_it(
        self, store: GraphStore, other: GraphStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        load(store)
        other.snapshot()
        event = Event.of("zed", "12", "film", "view", time=9.0)
        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            writer.write_nodes([FILM])
            assert store.append_events([event]).written == 1
            # Its item is in no snapshot yet.
            assert same(other.snapshot(), expected())
            assert store.facts_since(1) is None
            writer.finish()
        assert same(following(other, monkeypatch), expected([*NODES, FILM], events=[*EVENTS, event]))

    def test_appended_events_are_no_change_of_facts(self, store: GraphStore) -> None:
        load(store)
        store.append_events([Event.of("zed", "1", "film", "view")])
        assert len(changes(store, 1)) == 0

    def test_an_event_of_a_load_is_no_change_of_facts(self, store: GraphStore) -> None:
        load(store)
        event = Event.of("ann", "1", "film", "view", time=77.0)
        load(store, events=[*EVENTS, event])
        assert store.facts_since(1) is None
        assert same(store.snapshot(), expected(events=[*EVENTS, event]))

    def test_an_interrupted_load_is_read_whole(self, store: GraphStore, other: GraphStore) -> None:
        load(store)
        other.snapshot()
        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            writer.write_nodes([FILM])
        load(store)
        assert store.facts_since(1) is None
        assert same(other.snapshot(), expected([*NODES, FILM]))

    def test_another_schema_is_read_whole(self, store: GraphStore) -> None:
        load(store)
        load(store, schema=films_schema(name="other"))
        assert store.facts_since(1) is None

    def test_no_note_of_a_deleted_user_stays(self, store: GraphStore, other: GraphStore) -> None:
        load(store)
        load(store, nodes=[*NODES, NodeRow("viewer", "gone", "Gone")])
        assert len(changes(store, 1)) == 1
        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            writer.write_nodes([NodeRow("viewer", "gone", "Gone!"), FILM])
            assert other.delete_user("gone").remaining == 0
            writer.finish()
        assert [store.facts_since(generation) for generation in (1, 2, 3)] == [None, None, None]
        assert same(store.snapshot(), expected([*NODES, FILM]))
        assert same(other.snapshot(), expected([*NODES, FILM]))

    def test_a_load_keeps_the_snapshot_that_has_followed(self, store: GraphStore, other: GraphStore) -> None:
        load(store)
        store.snapshot()
        load(store, nodes=[*NODES, FILM])
        store.snapshot()
        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            writer.write_nodes([NodeRow("film", "13", "Half")])
            assert same(other.snapshot(), expected([*NODES, FILM]))
            writer.finish()

    # Upserts

    def test_ends_of_a_kind_without_a_source_are_made(self, store: GraphStore) -> None:
        load(store)
        film = NodeUpsert("film", "12", relations={"director": ["qt", "new"]})
        assert (upsert_nodes(store, [film]).nodes.new, store.snapshot().generation) == (2, 2)
        people = store.snapshot().nodes("person")
        assert dict(zip(people.keys, people.labels, strict=True))["new"] == "new"
        assert dict(zip(people.keys, people.labels, strict=True))["qt"] == "Quentin Tarantino"

    def test_an_upsert_is_followed(self, store: GraphStore, other: GraphStore, monkeypatch: pytest.MonkeyPatch) -> None:
        load(store)
        other.snapshot()
        film = NodeUpsert(
            "film", "12", "Jackie Brown", fields={"year": "1997"}, relations={"director": ["qt"], "sequel": ["2"]}
        )
        report = upsert_nodes(store, [film])
        assert (report.nodes.new, report.edges.new, report.state.generation) == (1, 2, 2)
        edges = [EdgeRow("director", "12", "qt"), EdgeRow("sequel", "12", "2")]
        assert same(following(other, monkeypatch), expected([*NODES, FILM], [*EDGES, *edges]))
        assert store.state() == report.state
        again = upsert_nodes(store, [film])
        assert (again.nodes.same, again.edges.same, again.state.generation) == (1, 2, 2)
        # What it states of a relation replaces what it stated before; relations that it does not name stay.
        upsert_nodes(other, [NodeUpsert("film", "12", "Jackie Brown", fields={"year": 1997}, relations={"sequel": []})])
        assert same(following(store, monkeypatch), expected([*NODES, FILM], [*EDGES, edges[0]]))

    def test_an_upsert_writes_all_or_nothing(self, store: GraphStore) -> None:
        load(store)
        before = store.state()
        good = NodeUpsert("film", "12", "Jackie Brown")
        for bad, message in (
            (NodeUpsert("book", "1"), "no node kind 'book'"),
            (NodeUpsert("film", " "), "no value in key"),
            (NodeUpsert("film", "13", fields={"year": "old"}), "year"),
            (NodeUpsert("film", "13", fields={"colour": 1}), "no field colour"),
            (NodeUpsert("film", "13", relations={"knows": ["qt"]}), "no relation 'knows'"),
            (NodeUpsert("film", "13", relations={"sequel": ["13"]}), "leads to itself"),
            (NodeUpsert("film", "12", "Again"), "given twice"),
        ):
            with pytest.raises(LoadError, match=message):
                upsert_nodes(store, [good, bad])
        with pytest.raises(RowsRefused, match="there is no film '77'"):
            upsert_nodes(store, [good, NodeUpsert("film", "13", relations={"sequel": ["77"]})])
        assert store.state() == before
        assert same(store.snapshot(), expected())
        assert store.facts_since(before.generation) is not None

    def test_an_upsert_waits_for_no_load(self, store: GraphStore, other: GraphStore) -> None:
        with pytest.raises(StoreEmpty):
            upsert_nodes(store, [NodeUpsert("film", "12")])
        load(store)
        with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
            with pytest.raises(StoreLocked, match="loading"):
                upsert_nodes(other, [NodeUpsert("film", "12")])
            writer.write_nodes([FILM])
        with pytest.raises(StoreLocked, match="again"):
            upsert_nodes(other, [NodeUpsert("film", "13")])
        load(store)
        with pytest.raises(SchemaMismatch):
            store.upsert(films_schema(name="other"), [FILM], {})

    def test_an_upsert_brings_an_item_back_with_its_events(
        self, store: GraphStore, other: GraphStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        load(store, nodes=[*NODES, FILM], events=[])
        event = Event.of("zed", "12", "film", "view", time=9.0)
        store.append_events([event])
        load(store, events=[], replace=True)
        assert same(other.snapshot(), expected(events=[]))
        upsert_nodes(store, [NodeUpsert("film", "12", "Jackie Brown", fields={"year": 1997})])
        assert same(following(other, monkeypatch), expected([*NODES, FILM], events=[event]))
