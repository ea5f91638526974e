"""What somebody else has put under a store's names in its database: an error that says so, or an answer without it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kg.rows import Event
from kg.stores import StoreDamaged
from kg.stores.neo4j import Neo4jStore
from tests.neo4j_server import Server
from whypath.testing.stores.base import expected, load, same
from whypath.testing.stores.domain import EVENTS

APPENDED = [Event.of("ann", "10", "film", "view", time=9.0, id="late")]

DAMAGE = {
    "a label that is a number": "MATCH (n {key: 'crime'}) SET n.name = 5",
    "no label": "MATCH (n {key: 'crime'}) REMOVE n.name",
    "a text that is a list": "MATCH (n {key: 'ann'}) SET n.text = ['a']",
    "a field that is a list": "MATCH (n {key: '1'}) SET n.year = [1992]",
    "a field that is a day": "MATCH (n {key: '1'}) SET n.year = date('1992-01-01')",
    "a field that is no number": "MATCH (n {key: '1'}) SET n.year = 0.0 / 0.0",
    "a number of a node that is negative": "MATCH (n {key: 'crime'}) SET n._id = -3",
    "a number of a node that is a fraction": "MATCH (n {key: 'crime'}) SET n._id = 1.5",
    "a number of a node that is another's": "MATCH (n {key: 'crime'}), (o {key: 'drama'}) SET n._id = o._id",
    "an event without an id": "MATCH ()-[r {id: 'late'}]->() REMOVE r.id",
    "an event whose id is a number": "MATCH ()-[r {id: 'late'}]->() SET r.id = 5",
    "a time that is a text": "MATCH ()-[r {id: 'late'}]->() SET r.time = '9'",
    "a weight that is a list": "MATCH ()-[r {id: 'late'}]->() SET r.weight = [1, 2]",
}


@pytest.fixture
def store(empty_neo4j: Server) -> Iterator[Neo4jStore]:
    store = Neo4jStore.open("neo4j", create=True)
    load(store)
    store.append_events(APPENDED)
    yield store
    store.close()


def test_values_of_wrong_types_are_told(store: Neo4jStore, empty_neo4j: Server) -> None:
    whole = store.read_complete()
    for what, change in DAMAGE.items():
        before = empty_neo4j.query("MATCH (n) RETURN elementId(n), properties(n)")
        events = empty_neo4j.query("MATCH ()-[r]->() RETURN elementId(r), properties(r)")
        empty_neo4j.query(change)
        with pytest.raises(StoreDamaged, match="has not written") as raised:
            store.read_complete()
        assert store.url in str(raised.value), what
        for element, properties in before:
            empty_neo4j.query("MATCH (n) WHERE elementId(n) = $of SET n = $to", of=element, to=properties)
        for element, properties in events:
            empty_neo4j.query("MATCH ()-[r]->() WHERE elementId(r) = $of SET r = $to", of=element, to=properties)
    assert same(store.read_complete(), whole)


def test_events_of_wrong_types_are_told(store: Neo4jStore, empty_neo4j: Server) -> None:
    empty_neo4j.query("MATCH ()-[r {id: 'late'}]->() SET r.time = '9'")
    with pytest.raises(StoreDamaged, match="time or weight"):
        store.events_since(0)


def test_nodes_that_are_none_of_the_stores_are_passed_over(store: Neo4jStore, empty_neo4j: Server) -> None:
    whole = store.read_complete()
    label = empty_neo4j.query("MATCH (n {key: 'crime'}) RETURN labels(n)")[0][0][0]
    empty_neo4j.query(f"CREATE (:{label}), (:{label} {{name: 'no key'}}), (:{label} {{key: 5, _id: 1}})")
    assert same(store.read_complete(), whole)
    assert same(whole, expected(events=[*EVENTS, *APPENDED]))
