"""The Neo4j store on a real server: the contract of all stores, and what its database must look like."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kg.graph import KnowledgeGraph
from kg.opening import open_store
from kg.rows import EdgeRow, Event, NodeRow
from kg.schema import DomainSchema
from kg.stores import StoreLoading, StoreLocked, StoreNotFound, WriteReport
from kg.stores.neo4j import Neo4jStore
from tests.kg.stores.cached_snapshots import CachedSnapshotsContract
from tests.neo4j_server import Server
from whypath.testing import GraphStoreContract
from whypath.testing.stores.base import dangling, expected, load, same
from whypath.testing.stores.domain import EDGES, EVENTS, NODES, films_schema


class TestNeo4jStore(CachedSnapshotsContract, GraphStoreContract):
    kind = "neo4j"

    @pytest.fixture
    def url(self, empty_neo4j: Server) -> str:
        return empty_neo4j.uri


@pytest.fixture
def store(empty_neo4j: Server) -> Iterator[Neo4jStore]:
    store = Neo4jStore.open("neo4j", create=True)
    yield store
    store.close()


def test_relationships_between_others_ends_are_dangling(store: Neo4jStore, empty_neo4j: Server) -> None:
    load(store)
    empty_neo4j.query(
        "MATCH (h)-[r]->(t) WHERE labels(h) <> labels(t) WITH h, r, t LIMIT 1 CREATE (t)-[:$(type(r))]->(h)"
    )
    assert store.dangling() == 1
    assert same(store.read_complete(), expected())


def files_of(graph: KnowledgeGraph, folder: Path) -> dict[str, bytes]:
    graph.save(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_arrays_are_byte_identical_to_the_embedded_stores(store: Neo4jStore, tmp_path: Path) -> None:
    embedded = open_store(tmp_path / "embedded", create=True)
    for each in (store, embedded):
        load(each)
        each.append_events([Event.of("ann", "10", "film", "view", time=1e9 + 0.1, weight=0.1)])
        load(each, nodes=[NodeRow("film", "12", "Jackie Brown", fields={"year": 1997})], edges=[], events=[])
    ours, theirs = (files_of(each.snapshot(), tmp_path / name) for name, each in (("a", store), ("b", embedded)))
    assert ours == theirs
    assert len(ours) > 10


def test_the_routed_scheme_finds_the_same_store(store: Neo4jStore, empty_neo4j: Server) -> None:
    load(store)
    routed = open_store(empty_neo4j.uri.replace("bolt://", "neo4j://"))
    assert routed.append_events([Event.of("ann", "10", "film", "view", time=1.0)]).written == 1
    assert same(routed.snapshot(), store.snapshot())
    routed.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_forked_process_gets_a_connection_of_its_own(store: Neo4jStore) -> None:
    load(store)
    child = os.fork()
    if child == 0:
        written = store.append_events([Event.of("child", "1", "film", "view")]).written
        store.close()
        os._exit(0 if written == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.append_events([Event.of("parent", "1", "film", "view")]).written == 1
    assert {"child", "parent"} <= set(store.snapshot().nodes("viewer").keys)


@pytest.mark.parametrize("rows", [1, 2, 3, 7])
def test_a_read_is_whole_whatever_the_size_of_its_pages(
    store: Neo4jStore, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Keys that UTF-16, UTF-8 and a collation would put into different orders.
    nodes = [*NODES, *(NodeRow("film", key, key) for key in ("é", "z", "Z", "\uffee", "🎬", "a\u0301", "10 ", "𝒜"))]
    load(store, nodes=nodes)
    monkeypatch.setattr("kg.stores.neo4j.reading.PAGE_ROWS", rows)
    assert same(store.snapshot(), expected(nodes))
    assert store.snapshot().nodes("film").keys.to_list() == sorted(row.key for row in nodes if row.kind == "film")


@pytest.mark.parametrize("rows", [2, 20_000])
def test_relations_that_are_read_together_are_told_apart(
    store: Neo4jStore, empty_neo4j: Server, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = {"film": {"role": "item"}, "series": {"role": "item"}, "person": {}, "place": {}, "fan": {"role": "user"}}
    relations = {
        "about": {"source": "r.csv", "head": ["film", "series"], "tail": ["person", "place", "film"]},
        "by": {"source": "r.csv", "head": "film", "tail": "person"},
    }
    interactions = {"saw": {"items": ["film", "series"]}, "noted": {"items": ["film"]}}
    schema = DomainSchema.from_mapping({"nodes": kinds, "relations": relations, "interactions": interactions})
    # The same keys in every kind, and more films than persons, but more persons than series.
    numbers = {"film": 6, "series": 2, "person": 4, "place": 1, "fan": 3}
    nodes = [NodeRow(kind, str(at), f"{kind} {at}") for kind, number in numbers.items() for at in range(number)]
    edges = [
        EdgeRow(name, str(head), str(tail))
        for name, each in schema.relation_kinds.items()
        for head in range(numbers[each.head])
        for tail in range(numbers[each.tail])
        if (head + 2 * tail) % 3 == 0 and (each.head, head) != (each.tail, tail)
    ]
    events = [
        Event.of(str(fan), str(item), kind, name)
        for name, each in schema.interactions.items()
        for kind in each.items
        for fan in range(numbers["fan"])
        for item in range(numbers[kind])
        if (fan + item) % 2
    ]
    load(store, nodes=nodes, edges=edges, events=events, schema=schema)
    # By hand, where the description has no such thing: between kinds, from elsewhere, and to a node of somebody else's.
    empty_neo4j.query("MATCH (f:Film {key: '0'}), (p:Place) CREATE (f)-[:BY]->(p)")
    empty_neo4j.query("MATCH (u:Fan {key: '0'}), (s:Series {key: '0'}) CREATE (u)-[:NOTED {id: 'x'}]->(s)")
    empty_neo4j.query("MATCH (f:Film {key: '0'}) CREATE (f)-[:ABOUT]->(:Elsewhere)")
    empty_neo4j.query("MATCH (u:Fan {key: '0'}) CREATE (u)-[:SAW {id: 'y'}]->(:Elsewhere)")
    monkeypatch.setattr("kg.stores.neo4j.reading.PAGE_ROWS", rows)
    graph = store.snapshot()
    assert same(graph, KnowledgeGraph.from_rows(schema, nodes, edges, events))
    assert sum(len(relation.forward.indices) for relation in graph.relations) == len(edges)


def test_the_database_reads_like_a_graph_of_films(store: Neo4jStore, empty_neo4j: Server) -> None:
    load(store)
    assert empty_neo4j.query(
        "MATCH (f:Film {key: '2'})-[:DIRECTOR]->(p:Person) RETURN f.name, f.year, f.released, f.text, p.name",
    ) == [["Pulp Fiction", 1994, "1994-09-10", "Pulp Fiction", "Quentin Tarantino"]]
    assert empty_neo4j.query(
        "MATCH (:Viewer {name: 'Ann'})-[r:RATING]->(f:Film) RETURN f.name, r.weight, r.time ORDER BY r.time",
    ) == [["Pulp Fiction", 2.0, 5.0], ["Reservoir Dogs", 5.0, 10.0]]
    assert empty_neo4j.query("MATCH (s:Series)-[:GENRE]->(g) RETURN s.name, g.name ORDER BY g.name") == [
        ["The Wire", "crime"],
        ["Dark", "drama"],
    ]
    unique = empty_neo4j.query("SHOW CONSTRAINTS YIELD labelsOrTypes, properties, type")
    assert [["Film"], ["key"], "UNIQUENESS"] in unique
    assert [["RATING"], ["id"], "RELATIONSHIP_UNIQUENESS"] in unique


INJECTION = "x`}) DETACH DELETE n WITH 1 AS n MATCH (n) //\\u0060'\"$"


def test_names_and_values_from_data_are_never_cypher(store: Neo4jStore, empty_neo4j: Server) -> None:
    description = {
        "name": INJECTION,
        "nodes": {
            "film": {"role": "item", "source": "f.csv", "key": "id", "fields": {INJECTION: "text", "key": "text"}},
            "fan": {"role": "user", "source": "u.csv", "key": "id"},
        },
        "relations": {
            INJECTION.replace(" ", "_"): {"source": "r.csv", "head": "film", "tail": "film"},
            "\\u0060": {"source": "r.csv", "head": "film", "tail": "film", "label": INJECTION},
        },
        "interactions": {"saw": {"items": ["film"], "label": INJECTION}},
    }
    schema = DomainSchema.from_mapping(description)
    nodes = [NodeRow("film", key, INJECTION, INJECTION, {INJECTION: INJECTION, "key": "k"}) for key in ("a", INJECTION)]
    edges = [EdgeRow(name, "a", INJECTION) for name in schema.relation_kinds]
    events = [Event.of(INJECTION, INJECTION, "film", "saw", id=INJECTION)]
    load(store, nodes=nodes, edges=edges, events=events, schema=schema)
    graph = KnowledgeGraph.from_rows(schema, nodes, edges, events)
    assert same(store.snapshot(), graph)
    assert dangling(store) == 0
    assert empty_neo4j.query("MATCH (n:Film {key: 'a'}) RETURN n.key_, n.name") == [["k", INJECTION]]
    assert store.delete_user(INJECTION).remaining == 0
    assert empty_neo4j.query("MATCH (n:Film) RETURN count(n)") == [[2]]


def test_rows_that_neo4j_cannot_index_are_refused(store: Neo4jStore) -> None:
    long = "ä" * 4_000
    with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
        report = writer.write_nodes([NodeRow("film", long, "x"), *NODES])
        assert report.new == len(NODES)
        assert [refusal.row for refusal in report.refused] == [0]
        assert "bytes" in report.refused[0].reason
        event = Event.of("ann", "1", "film", "view", id=long)
        assert "bytes" in writer.write_events([event]).refused[0].reason
        writer.finish()
    assert "bytes" in store.append_events([event]).refused[0].reason


def test_a_graph_of_somebody_else_is_left_alone(empty_neo4j: Server) -> None:
    empty_neo4j.query("CREATE (:Film {key: '1', name: 'Mine'})")
    with pytest.raises(StoreNotFound, match=r"graph of 1 nodes .* has not made"):
        open_store(empty_neo4j.uri, create=True)
    assert empty_neo4j.query("MATCH (n) RETURN count(n)") == [[1]]


def test_a_database_that_was_made_anew_is_not_mistaken_for_the_old_one(store: Neo4jStore, empty_neo4j: Server) -> None:
    load(store)
    store.snapshot()
    empty_neo4j.empty()
    with pytest.raises(StoreNotFound, match="removed"):
        store.snapshot()
    again = open_store("neo4j", create=True)
    load(again, events=[])
    with pytest.raises(StoreNotFound, match="open it again"):
        store.snapshot()
    assert same(again.snapshot(), expected(events=[]))
    again.close()


def test_a_node_that_somebody_added_is_taken_over_by_a_load(store: Neo4jStore, empty_neo4j: Server) -> None:
    load(store)
    empty_neo4j.query("CREATE (:Film {key: '77', name: 'By hand', stars: 5})")
    empty_neo4j.query("MATCH (f:Film {key: '2'}) SET f.name = 'Edited by hand'")
    node = NodeRow("film", "77", "From the source")
    with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
        assert writer.write_nodes([*NODES, node]) == WriteReport(changed=2, same=len(NODES) - 1)
        writer.finish()
    assert same(store.snapshot(), expected([*NODES, node]))
    assert empty_neo4j.query("MATCH (f:Film {key: '77'}) RETURN f.stars, f:WhyPath") == [[None, True]]


def test_more_rows_than_a_slice(store: Neo4jStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.stores.neo4j.batches.SLICE_ROWS", 2)
    monkeypatch.setattr("kg.stores.neo4j.finishing._REMOVED_AT_ONCE", 2)
    with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
        assert writer.write_nodes(NODES) == WriteReport(new=len(NODES))
        for relation in sorted({edge.relation for edge in EDGES}):
            edges = [edge for edge in EDGES if edge.relation == relation]
            report = writer.write_edges(relation, [*edges, EdgeRow(relation, "no", "no"), edges[0]])
            assert (report.new, report.same, [each.row for each in report.refused]) == (len(edges), 1, [len(edges)])
        assert writer.write_events([*EVENTS, EVENTS[0]]) == WriteReport(new=len(EVENTS), same=1)
        writer.finish()
    assert same(store.snapshot(), expected())
    finish = load(store, nodes=NODES[:1], edges=[], events=[], replace=True)
    # The user "cid" was never in the source: it goes with its events.
    assert (finish.removed_nodes, finish.removed_edges, finish.removed_events) == (len(NODES), len(EDGES), len(EVENTS))
    assert same(store.snapshot(), expected(NODES[:1], [], []))


def test_rows_taken_for_new_that_are_not(store: Neo4jStore, empty_neo4j: Server) -> None:
    load(store)
    first = Event.of("ann", "1", "film", "rating", id="x1")
    # The first id is one of another interaction, which its own constraint does not know; a user is new.
    mixed = [Event.of(user, "1", "film", "view", id=f"x{at}") for at, user in enumerate(("ann", "stranger", "ann"), 1)]
    last = Event.of("stranger", "2", "film", "rating", id="x4")
    films = [NodeRow("film", key, key) for key in ("77", "78")]
    with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
        assert writer.write_events([first]) == WriteReport(new=1)
        report = writer.write_events(mixed)
        assert report == WriteReport(new=2, corrected=1)
        assert writer.write_events([last]) == WriteReport(new=1)
        assert writer.write_events([last, mixed[1]]) == WriteReport(same=2)
        assert writer.write_nodes([films[0], NODES[0]]) == WriteReport(new=1, same=1)
        assert writer.write_nodes([films[1]]) == WriteReport(new=1)
        assert writer.write_nodes(films) == WriteReport(same=2)
        writer.finish()
    assert same(store.snapshot(), expected([*NODES, *films], EDGES, [*EVENTS, *mixed, last]))
    # Nothing of an attempt that failed stands, and numbers are given once.
    assert empty_neo4j.query("MATCH (n:WhyPath) RETURN count(n) - count(DISTINCT n._id)") == [[0]]


def test_a_machine_without_a_snapshot_waits_for_the_load(
    store: Neo4jStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(store)
    with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
        monkeypatch.setenv("WHYPATH_CACHE", str(tmp_path / "elsewhere"))
        elsewhere = Neo4jStore.open("neo4j")
        with pytest.raises(StoreLoading, match="no snapshot from before"):
            elsewhere.snapshot()
        assert same(store.snapshot(), expected())
        writer.finish()
    assert same(elsewhere.snapshot(), expected())
    elsewhere.close()


def test_snapshots_elsewhere_lose_a_deleted_user_when_they_are_opened(
    store: Neo4jStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "very-secret-user-key"
    load(store, events=[*EVENTS, Event.of(secret, "1", "film", "view")])
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv("WHYPATH_CACHE", str(elsewhere))
    other = Neo4jStore.open("neo4j")
    for each in (store, other):
        each.snapshot()
    assert store.delete_user(secret).remaining == 0
    other.snapshot()
    files = [path for folder in (tmp_path / "cache", elsewhere) for path in folder.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if secret.encode() in path.read_bytes()]
    other.close()


def test_a_load_whose_process_has_died_elsewhere_gives_way_after_its_lease(
    store: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kg.stores.neo4j.state.LEASE_SECONDS", 1.5)
    monkeypatch.setattr("kg.stores.neo4j.loading.LEASE_SECONDS", 1.5)
    writer = store.begin_load(films_schema(), replace=False, source_digest="")
    time.sleep(2)
    with pytest.raises(StoreLocked, match="another process is loading"):
        store.begin_load(films_schema(), replace=False, source_digest="")
    writer._left.set()  # as when the machine loses power: nothing renews the lease any more
    writer._lease.join()
    time.sleep(2)
    mark = store.state().loading
    assert mark is not None
    assert not mark.alive
    load(store)
    with pytest.raises(Exception, match="another load has begun"):
        writer.write_nodes(NODES)
    assert same(store.snapshot(), expected())
