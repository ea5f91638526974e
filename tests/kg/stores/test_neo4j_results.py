"""Vectors and recommendations in the database: written whole, in the place of former ones, and in nobody's way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from kg.rows import NodeRow
from kg.stores import KindVectors, ResultsReport, StoreError, TakesResults, UserList, WriteReport
from kg.stores.neo4j import Neo4jStore
from kg.stores.neo4j.names import Names, property_name
from tests.neo4j_server import Server
from whypath.testing.stores.base import load, same
from whypath.testing.stores.domain import EDGES, EVENTS, NODES, films_schema

FILMS = ("1", "2", "10", "11", "ä")
SERIES = ("2", "9")


@pytest.fixture
def store(empty_neo4j: Server) -> Iterator[Neo4jStore]:
    for (name,) in empty_neo4j.query("SHOW INDEXES YIELD name, type WHERE type = 'VECTOR' RETURN name"):
        empty_neo4j.query(f"DROP INDEX `{name}`")
    store = Neo4jStore.open("neo4j", create=True)
    load(store)
    yield store
    store.close()


def vectors(dimensions: int = 3, films: Sequence[str] = FILMS) -> list[KindVectors]:
    """Films on a quarter circle, each asking for its neighbours; the first series has nothing to ask with."""
    parts: list[KindVectors] = []
    for kind, keys in (("film", films), ("series", SERIES)):
        angles = np.linspace(0, np.pi / 2, len(keys), dtype=np.float32)
        found = np.zeros((len(keys), dimensions), dtype=np.float32)
        found[:, 0], found[:, 1] = np.cos(angles), np.sin(angles)
        queries = found.copy()
        if kind == "series":
            queries[0] = np.nan
        parts.append(KindVectors(kind, list(keys), found, queries))
    return parts


def lists(users: Sequence[str] = ("ann", "bob"), start: int = 0) -> list[UserList]:
    items = [("film", key) for key in FILMS] + [("series", key) for key in SERIES]
    turned = items[start:] + items[:start]
    return [UserList(user, turned[:4], [0.9, 0.5, 0.25, -1.0]) for user in users]


def recommended(server: Server, user: str) -> list[list[object]]:
    text = (
        "MATCH (u:Viewer {key: $user})-[r:RECOMMENDED]->(i)"
        " RETURN r.rank, i.key, head([l IN labels(i) WHERE l <> 'WhyPath']), r.score, r.bundle, r.time ORDER BY r.rank"
    )
    return server.query(text, user=user)


def indexes(server: Server) -> list[list[object]]:
    return server.query(
        "SHOW INDEXES YIELD name, type, state, options WHERE type = 'VECTOR'"
        " RETURN name, state, options.indexConfig['vector.dimensions'] ORDER BY name"
    )


def test_vectors_are_found_by_a_native_index(store: Neo4jStore, empty_neo4j: Server) -> None:
    assert isinstance(store, TakesResults)
    told: list[int] = []
    assert store.write_vectors(vectors(), progress=told.append) == ResultsReport(7, 0, 0)
    assert told == [5, 7]
    assert indexes(empty_neo4j) == [["whypath_Film_vector", "ONLINE", 3], ["whypath_Series_vector", "ONLINE", 3]]
    nearest = (
        "MATCH (f:Film {key: '1'}) CALL db.index.vector.queryNodes('whypath_Film_vector', 5, f.query_vector)"
        " YIELD node RETURN node.key"
    )
    assert empty_neo4j.query(nearest) == [[key] for key in FILMS]
    asking = "MATCH (s:Series) RETURN s.key, s.query_vector IS NOT NULL, size(s.vector) ORDER BY s.key"
    assert empty_neo4j.query(asking) == [["2", False, 3], ["9", True, 3]]
    # Other dimensions make another index; an item that had something to ask with may have nothing now.
    again = vectors(4)
    again[1].queries[:] = np.nan
    assert store.write_vectors(again).nodes == 7
    assert [dimensions for *_, dimensions in indexes(empty_neo4j)] == [4, 4]
    assert empty_neo4j.query(asking) == [["2", False, 4], ["9", False, 4]]
    assert empty_neo4j.query(nearest) == [[key] for key in FILMS]
    with pytest.raises(StoreError, match="4,096"):
        store.write_vectors(vectors(4097))
    assert len(indexes(empty_neo4j)) == 2


def test_an_interrupted_export_of_vectors_leaves_no_index_and_can_be_run_again(
    store: Neo4jStore, empty_neo4j: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write_vectors(vectors())
    monkeypatch.setattr("kg.stores.neo4j.results._VECTORS_AT_ONCE", 2)

    def interrupt(done: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.write_vectors(vectors(5), progress=interrupt)
    # Neighbours of two models at once would be neighbours of none.
    assert indexes(empty_neo4j) == []
    assert store.write_vectors([*vectors(5, [*FILMS, "gone"])]) == ResultsReport(7, 0, 1)
    assert empty_neo4j.query("MATCH (i:Film|Series) RETURN DISTINCT size(i.vector)") == [[5]]
    assert len(indexes(empty_neo4j)) == 2


def test_recommendations_replace_the_former_ones_of_a_user(store: Neo4jStore, empty_neo4j: Server) -> None:
    done = store.write_recommendations(lists(["ann", "bob", "nobody"]), bundle="first", time=5.0)
    assert done == ResultsReport(2, 8, 1)
    assert empty_neo4j.query("MATCH (u:Viewer) RETURN count(u)") == [[3]]
    before = [
        [1, "1", "Film", 0.9, "first", 5.0],
        [2, "2", "Film", 0.5, "first", 5.0],
        [3, "10", "Film", 0.25, "first", 5.0],
        [4, "11", "Film", -1.0, "first", 5.0],
    ]
    assert recommended(empty_neo4j, "ann") == recommended(empty_neo4j, "bob") == before
    again = [*lists(["ann"], 4), UserList("cid", [], [])]
    assert store.write_recommendations(again, bundle="second", time=6.0) == ResultsReport(2, 4, 0)
    assert [row[:3] for row in recommended(empty_neo4j, "ann")] == [
        [1, "ä", "Film"],
        [2, "2", "Series"],
        [3, "9", "Series"],
        [4, "1", "Film"],
    ]
    assert recommended(empty_neo4j, "bob") == before
    # Nothing to recommend any more is said as well.
    store.write_recommendations([UserList("ann", [], [])], bundle="third", time=7.0)
    assert recommended(empty_neo4j, "ann") == []


@pytest.mark.parametrize(("rows", "written"), [(1, 2), (100, 0)])
def test_an_interrupted_export_leaves_users_whole_and_can_be_run_again(
    store: Neo4jStore, empty_neo4j: Server, rows: int, written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = ("ann", "bob", "cid")
    store.write_recommendations(lists(users), bundle="old", time=1.0)
    monkeypatch.setattr("kg.stores.neo4j.results._ROWS_AT_ONCE", rows)

    def interrupted() -> Iterator[UserList]:
        yield from lists(users[:2], 2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.write_recommendations(interrupted(), bundle="new", time=2.0)
    found = [{str(row[4]) for row in recommended(empty_neo4j, user)} for user in users]
    assert all(len(recommended(empty_neo4j, user)) == 4 for user in users)
    assert found == [{"new"}] * written + [{"old"}] * (3 - written)
    store.write_recommendations(lists(users, 2), bundle="new", time=2.0)
    assert [{row[4] for row in recommended(empty_neo4j, user)} for user in users] == [{"new"}] * 3
    assert empty_neo4j.query("MATCH ()-[r:RECOMMENDED]->() RETURN count(r)") == [[12]]


def test_results_are_in_nobodys_way(
    store: Neo4jStore, empty_neo4j: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = store.snapshot()
    paths = store.paths(("viewer", "ann"), ("film", "10"), interactions=True, limit=50)
    store.write_vectors(vectors())
    store.write_recommendations(lists(), bundle="b", time=1.0)
    assert store.dangling() == 0
    assert store.paths(("viewer", "ann"), ("film", "10"), interactions=True, limit=50) == paths
    # A machine that has no snapshot reads the database.
    with monkeypatch.context() as patch:
        patch.setenv("WHYPATH_CACHE", str(tmp_path / "elsewhere"))
        other = Neo4jStore.open("neo4j")
    assert same(other.snapshot(), graph)
    other.close()
    # A load finds all rows as they were, and leaves what was written, also where it replaces.
    with store.begin_load(films_schema(), replace=True, source_digest="") as writer:
        assert writer.write_nodes(NODES) == WriteReport(same=len(NODES))
        for relation in sorted({edge.relation for edge in EDGES}):
            edges = [edge for edge in EDGES if edge.relation == relation]
            assert writer.write_edges(relation, edges) == WriteReport(same=len(edges))
        assert writer.write_events(EVENTS) == WriteReport(same=len(EVENTS))
        assert writer.finish().state.generation == graph.generation
    assert empty_neo4j.query("MATCH (i) WHERE i.vector IS NOT NULL RETURN count(i)") == [[7]]
    assert len(recommended(empty_neo4j, "ann")) == 4
    # An item that goes takes what leads to it along.
    gone = [row for row in NODES if row.key != "11"]
    finish = load(store, nodes=gone, edges=[edge for edge in EDGES if edge.tail != "11"], replace=True)
    assert (finish.removed_nodes, finish.removed_edges) == (1, 1)
    assert [row[0] for row in recommended(empty_neo4j, "ann")] == [1, 2, 3]


def test_a_deleted_user_has_no_recommendations(store: Neo4jStore, empty_neo4j: Server) -> None:
    load(store, nodes=[*NODES, NodeRow("viewer", "dan", "Dan")], events=[])
    plain = store.delete_user("dan")
    store.write_recommendations(lists(), bundle="b", time=1.0)
    deleted = store.delete_user("bob")
    # One edge of ann is of the domain; recommendations are not.
    assert (deleted.found, deleted.edges, deleted.remaining) == (True, 0, 0) == (plain.found, plain.edges, 0)
    assert store.delete_user("ann").edges == 1
    assert empty_neo4j.query("MATCH ()-[r:RECOMMENDED]->() RETURN count(r)") == [[0]]
    # Lists that were made before are not written for a user that is gone.
    assert store.write_recommendations(lists(["bob"]), bundle="b", time=2.0) == ResultsReport(0, 0, 1)
    assert empty_neo4j.query("MATCH (u:Viewer {key: 'bob'}) RETURN count(u)") == [[0]]


def test_names_of_a_domain_make_room() -> None:
    names = Names().extended(
        films_schema(
            relations={
                "recommended": {"source": "r.csv", "head": "film", "tail": "film"},
                "of": {"source": "r.csv", "head": ["film", "series"], "tail": "genre"},
                "from": {"source": "r.csv", "head": "viewer", "tail": "city"},
                "by": {"source": "r.csv", "head": "film", "tail": "person"},
            },
            interactions={"Recommended": {"items": "film"}},
        )
    )
    assert names.interactions == {"Recommended": "RECOMMENDED_2"}
    assert names.relations["recommended", "film", "film"] == "RECOMMENDED_3"
    assert [property_name(field) for field in ("vector", "query_vector", "vectors")] == [
        "vector_",
        "query_vector_",
        "vectors",
    ]


def test_relationships_that_a_domain_calls_so_itself_are_not_touched(store: Neo4jStore, empty_neo4j: Server) -> None:
    empty_neo4j.query("MATCH (s:WhyPathStore) SET s.names = replace(s.names, 'SEQUEL', 'RECOMMENDED')")
    empty_neo4j.query("MATCH (:Viewer {key: 'ann'})-[:LIVES]->(c) MATCH (u:Viewer) MERGE (u)-[:RECOMMENDED]->(c)")
    with pytest.raises(StoreError, match="another name"):
        store.write_recommendations(lists(), bundle="b", time=1.0)
    assert empty_neo4j.query("MATCH ()-[r:RECOMMENDED]->() RETURN count(r)") == [[3]]
