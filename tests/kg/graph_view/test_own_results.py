"""Vectors and recommendations in a graph that somebody else owns: under WhyPath's names, and in nobody's way."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kg.graph_view import GraphView
from kg.rows import Event
from kg.schema import DomainSchema
from kg.stores import KindVectors, ResultsReport, StoreError, TakesResults, UserList
from tests.kg.bookshop import content
from tests.neo4j_server import Server

SHOP: dict[str, Any] = {
    "nodes": {
        "customer": {"role": "user", "labels": "Customer", "key": "no"},
        "book": {"role": "item", "labels": ["Article", "Book"], "key": "isbn"},
        "game": {"role": "item", "labels": ["Article", "Ga`me"], "key": "ean", "where": {"sold": "yes"}},
        "author": {"labels": "Author", "key": "name"},
    },
    "relations": {"written_by": {"relationship": "WRITTEN_BY", "head": "book", "tail": "author"}},
    "interactions": {"bought": {"relationship": "BOUGHT", "items": ["book", "game"], "columns": {"time": "at"}}},
}
GRAPH = """
CREATE (c1:Customer:Person {no: 1}), (c2:Customer {no: 2.0}), (c3:Customer {no: 'three'}),
       (:Customer {no: 4, name: 'one'}), (:Customer {no: 4, name: 'other'}), (:Customer {no: 9223372036854775807})
CREATE (b1:Article:Book {isbn: 'b1', vector: [1.0, 0.0]}), (b2:Article:Book:Sale {isbn: 'b2'}),
       (b3:Article:Book {isbn: date('2020-02-03')})
CREATE (g1:Article:`Ga``me` {ean: 17, sold: 'yes'}), (:Article:`Ga``me` {ean: 17, sold: 'no'}),
       (g2:Article:`Ga``me` {ean: 18, sold: 'yes'}), (:Article:Book:`Ga``me` {isbn: 'both', ean: 18, sold: 'yes'})
CREATE (a:Author {name: 'b1'}) CREATE (b1)-[:WRITTEN_BY]->(a)
CREATE (c1)-[:BOUGHT {at: 5}]->(b1), (c1)-[:BOUGHT {at: 6}]->(g1), (c2)-[:BOUGHT {at: 7}]->(b2),
       (c3)-[:BOUGHT {at: 8}]->(g2)
CREATE (c1)-[:RECOMMENDED {rank: 1, by: 'the owner'}]->(b2)
"""
BOOKS, GAMES = ("2020-02-03", "b1", "b2", "both"), ("17", "18")
USERS = ("1", "2", "three", "9223372036854775807")


@pytest.fixture
def shop(empty_neo4j: Server) -> Iterator[Server]:
    """The graph, with an index of its owner's that is called as WhyPath would call one."""
    drop_indexes(empty_neo4j)
    empty_neo4j.query(GRAPH)
    empty_neo4j.query("CREATE INDEX whypath_Book_vector FOR (b:Book) ON (b.isbn)")
    empty_neo4j.query(
        "CREATE VECTOR INDEX own_vectors FOR (b:Book) ON (b.vector) OPTIONS {indexConfig: {`vector.dimensions`: 2,"
        " `vector.similarity_function`: 'cosine'}}"
    )
    empty_neo4j.query("CALL db.awaitIndexes(60)")
    yield empty_neo4j
    drop_indexes(empty_neo4j)


def drop_indexes(server: Server) -> None:
    text = "SHOW INDEXES YIELD name, type WHERE type = 'VECTOR' OR name STARTS WITH 'whypath_Book' RETURN name"
    for (name,) in server.query(text):
        server.query(f"DROP INDEX `{name}`")


def described(folder: Path, server: Server, *, write: bool = True, **more: Any) -> GraphView:
    folder.mkdir(exist_ok=True)
    path = folder / "domain.yaml"
    whole = {"graph": {"uri": server.uri, "refresh": 0, "write": write}, **SHOP, **more}
    path.write_text(DomainSchema.from_mapping(whole).to_yaml(), encoding="utf-8")
    return GraphView.open(path)


@pytest.fixture
def view(shop: Server, tmp_path: Path) -> Iterator[GraphView]:
    view = described(tmp_path / "view", shop)
    yield view
    view.close()


def vectors(dimensions: int = 3, books: Sequence[str] = BOOKS, games: Sequence[str] = GAMES) -> list[KindVectors]:
    parts: list[KindVectors] = []
    for kind, keys in (("book", books), ("game", games)):
        found = np.zeros((len(keys), dimensions), dtype=np.float32)
        angles = np.linspace(0, np.pi / 2, len(keys), dtype=np.float32)
        found[:, 0], found[:, 1] = np.cos(angles), np.sin(angles)
        parts.append(KindVectors(kind, list(keys), found, found.copy()))
    parts[1].queries[0] = np.nan
    return parts


def lists(users: Sequence[str] = USERS, first: int = 0) -> list[UserList]:
    items = [("book", "b1"), ("game", "17"), ("book", "2020-02-03"), ("game", "18")]
    return [UserList(user, items[first:] + items[:first], [0.9, 0.5, 0.25, -1.0]) for user in users]


def recommended(server: Server, user: object) -> list[list[Any]]:
    return server.query(
        "MATCH (:Customer {no: $user})-[r:WHYPATH_RECOMMENDED]->(i)"
        " RETURN r.rank, toString(coalesce(i.isbn, i.ean)), r.score, r.bundle, r.time ORDER BY r.rank",
        user=user,
    )


def indexes(server: Server) -> list[list[Any]]:
    return server.query(
        "SHOW INDEXES YIELD name, type, labelsOrTypes, properties, options WHERE type = 'VECTOR'"
        " RETURN name, labelsOrTypes[0], properties[0], options.indexConfig['vector.dimensions'] ORDER BY name"
    )


OWNERS_INDEX = ["own_vectors", "Book", "vector", 2]


def without_results(server: Server) -> tuple[list[str], ...]:
    """Everything in the database that is not called as WhyPath's results are."""
    nodes = server.query("MATCH (n) RETURN elementId(n), labels(n), properties(n)")
    for node in nodes:
        node[2] = {name: value for name, value in node[2].items() if not name.startswith("whypath_")}
    edges = server.query("MATCH (a)-[r]->(b) RETURN elementId(r), type(r), elementId(a), elementId(b), properties(r)")
    named = server.query("SHOW INDEXES YIELD name, labelsOrTypes, properties")
    others = [row for row in edges if not row[1].startswith("WHYPATH_")]
    kept = [row for row in named if row[2] not in (["whypath_vector"], ["id"])]
    return tuple(sorted(map(str, found)) for found in (nodes, others, kept))


def test_vectors_are_indexed_beside_what_is_there(view: GraphView, shop: Server) -> None:
    assert isinstance(view, TakesResults)
    before = without_results(shop)
    # Of the two nodes with the number 18 one is a book, which stands first in the description.
    assert view.write_vectors(vectors()) == ResultsReport(6, 0, 0)
    assert indexes(shop) == [
        OWNERS_INDEX,
        # The label that the two kinds share would mix them, and the owner's index keeps its name.
        ["whypath_Book_vector_2", "Book", "whypath_vector", 3],
        ["whypath_Ga_me_vector", "Ga`me", "whypath_vector", 3],
    ]
    nearest = (
        "MATCH (b:Book {isbn: 'b1'}) CALL db.index.vector.queryNodes('whypath_Book_vector_2', 4,"
        " b.whypath_query_vector) YIELD node RETURN toString(node.isbn)"
    )
    assert {row[0] for row in shop.query(nearest)} == set(BOOKS)
    asking = (
        "MATCH (g:`Ga``me`) RETURN g.ean, g.sold, g.whypath_vector IS NOT NULL, g.whypath_query_vector IS NOT NULL"
        " ORDER BY g.ean, g.sold, labels(g)"
    )
    assert [row for row in shop.query(asking) if row[0] == 17] == [[17, "no", False, False], [17, "yes", True, False]]
    # Again, with other dimensions: there is one index a label, and an item that is none any more has no vector.
    shop.query("MATCH (g:`Ga``me` {ean: 18}) WHERE NOT g:Book SET g.sold = 'no'")
    assert view.write_vectors(vectors(5, games=["17", "gone"])) == ResultsReport(5, 0, 1)
    assert [row[3] for row in indexes(shop)] == [2, 5, 5]
    assert shop.query("MATCH (g:`Ga``me`) WHERE g.whypath_vector IS NOT NULL RETURN count(g)") == [[2]]
    shop.query("MATCH (g:`Ga``me` {ean: 18}) WHERE NOT g:Book SET g.sold = 'yes'")
    assert without_results(shop) == before


def test_an_index_of_the_owners_over_the_vectors_is_left_and_named(view: GraphView, shop: Server) -> None:
    shop.query(
        "CREATE VECTOR INDEX `the owner's` FOR (b:Book) ON (b.whypath_vector) OPTIONS {indexConfig:"
        " {`vector.dimensions`: 4, `vector.similarity_function`: 'cosine'}}"
    )
    with pytest.raises(StoreError, match=r"the owner's.*takes 4.*--dimensions 4"):
        view.write_vectors(vectors())
    assert view.write_vectors(vectors(4)).nodes == 6
    assert [row[0] for row in indexes(shop)] == ["own_vectors", "the owner's", "whypath_Ga_me_vector"]


def test_recommendations_go_to_nodes_that_are_there(view: GraphView, shop: Server) -> None:
    nodes, before = shop.query("MATCH (n) RETURN count(n)"), without_results(shop)
    view.append_events([Event.of("stranger", "b1", "book", "bought", time=9.0)])
    # Nobody can say which of the two customers with the number 4 is meant.
    report = view.write_recommendations(lists([*USERS, "stranger", "4"]), bundle="first", time=5.0)
    assert report == ResultsReport(4, 16, 2)
    expected = [[1, "b1", 0.9], [2, "17", 0.5], [3, "2020-02-03", 0.25], [4, "18", -1.0]]
    for user in (1, 2, "three", 2**63 - 1):
        assert recommended(shop, user) == [[*row, "first", 5.0] for row in expected]
    sold = "MATCH ()-[:WHYPATH_RECOMMENDED]->(g:`Ga``me`) RETURN DISTINCT g.ean, g.sold, g:Book ORDER BY g.ean"
    assert shop.query(sold) == [[17, "yes", False], [18, "yes", False]]
    # One user's former ones go, another's stay, and so does what the owner recommends.
    assert view.write_recommendations(lists(["1"], 2), bundle="second", time=6.0) == ResultsReport(1, 4, 0)
    assert [row[1] for row in recommended(shop, 1)] == ["2020-02-03", "18", "b1", "17"]
    assert {row[3] for row in recommended(shop, 1)} == {"second"}
    assert {row[3] for row in recommended(shop, "three")} == {"first"}
    assert view.write_recommendations([UserList("1", [], [])], bundle="third", time=7.0) == ResultsReport(1, 0, 0)
    assert recommended(shop, 1) == []
    assert shop.query("MATCH (n) RETURN count(n)") == nodes
    assert without_results(shop) == before


def test_results_are_no_part_of_what_is_read(view: GraphView, shop: Server, tmp_path: Path) -> None:
    graph, state = view.snapshot(), view.state()
    view.write_vectors(vectors())
    view.write_recommendations(lists(), bundle="b", time=1.0)
    assert view.state() == state
    assert view.snapshot().generation == graph.generation
    assert not view.read_again().changed
    assert view.state() == state
    # A machine that has read nothing yet, too, whether it may write or not.
    for write in (True, False):
        other = described(tmp_path / f"other {write}", shop, write=write)
        found = other.snapshot()
        assert (found.digest, found.events_digest) == (graph.digest, graph.events_digest)
        other.close()


def test_of_two_exports_at_once_each_list_is_one_of_theirs(
    view: GraphView, shop: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kg.stores.neo4j.results._ROWS_AT_ONCE", 1)
    other = described(tmp_path / "other", shop)
    rounds = [lists(first=turn % 4)[turn % 3 :] for turn in range(24)]
    found = [user for turn in rounds for user in turn]
    errors: list[StoreError] = []

    def export(store: GraphView, bundle: str) -> None:
        try:
            store.write_recommendations(found, bundle=bundle, time=1.0)
        except StoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=export, args=each) for each in ((view, "one"), (other, "two"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    for user in (1, 2, "three"):
        rows = recommended(shop, user)
        assert [row[0] for row in rows] == [1, 2, 3, 4]
        assert len({row[3] for row in rows}) == 1
    other.close()


def test_without_the_word_nothing_is_written(shop: Server, tmp_path: Path) -> None:
    view = described(tmp_path / "read", shop, write=False)
    before = content(shop)
    for write in (
        view.check_takes_results,
        lambda: view.write_vectors(vectors()),
        lambda: view.write_recommendations(lists(), bundle="b", time=1.0),
    ):
        with pytest.raises(StoreError, match=r"`write: true` under `graph`.*--out"):
            write()
    assert content(shop) == before
    view.close()


@pytest.mark.parametrize(
    "more",
    [
        {"interactions": {"bought": {"relationship": "WHYPATH_RECOMMENDED", "items": ["book", "game"]}}},
        {"nodes": {**SHOP["nodes"], "author": {"labels": "Author", "key": "name", "text": "whypath_vector"}}},
        {"relations": {"r": {"relationship": "WHYPATH_EVENT", "head": "book", "tail": "author"}}},
    ],
)
def test_a_description_that_reads_what_would_be_written_is_refused(
    more: dict[str, Any], shop: Server, tmp_path: Path
) -> None:
    view = described(tmp_path / "odd", shop, **more)
    with pytest.raises(StoreError, match=r"(WHYPATH_|whypath_).*(interactions.bought|nodes.author|relations.r)"):
        view.check_takes_results()
    view.close()


def test_a_forgotten_user_has_no_recommendations(view: GraphView, shop: Server) -> None:
    view.snapshot()
    view.write_recommendations(lists(), bundle="b", time=1.0)
    view.append_events([Event.of("1", "b2", "book", "bought", time=9.0)])
    # Since then another node has come with the same key: what was written goes all the same.
    shop.query("CREATE (:Customer {no: '1', name: 'late'})")
    before = without_results(shop)
    report = view.delete_user("1")
    assert (report.found, report.recommendations, report.remaining) == (True, 4, 0)
    # The one event is in the log and in the graph.
    assert report.events == 2
    assert "4 recommendations" in str(report)
    assert "still has the customer '1'" in report.left
    assert recommended(shop, 1) == []
    assert len(recommended(shop, 2)) == 4
    assert shop.query("MATCH ()-[r:WHYPATH_EVENT]->() RETURN count(r)") == [[0]]
    assert without_results(shop) == before
    assert view.delete_user("nobody").recommendations == 0
