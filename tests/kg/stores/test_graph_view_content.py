"""Odd content of somebody else's graph: keys of all types, several labels, dates, points, lists, and what is bad."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kg.graph import KnowledgeGraph, neighbours
from kg.graph_view import GraphView
from kg.rows import Event, event_digest
from kg.schema import DomainSchema
from kg.sources import Reason
from kg.stores import StoreEmpty, StoreError, StoreUnavailable
from tests.kg.bookshop import content
from tests.neo4j_server import Server
from whypath.engine import Engine

SHOP: dict[str, Any] = {
    "nodes": {
        "customer": {"role": "user", "labels": "Customer", "key": "no"},
        "product": {
            "role": "item",
            "labels": ["Product", "Thing"],
            "key": "sku",
            "label": "title",
            "text": ["title", "tags"],
            "fields": {"price": "number", "launched": "date", "place": "text", "year": "integer"},
            "lists": {"tags": {"target": "tag", "relation": "tagged"}},
            "links": {"maker": {"target": "maker", "relation": "made_by"}},
        },
        "maker": {"labels": "Maker", "key": "name"},
        "tag": {},
    },
    "interactions": {
        "bought": {"relationship": "BOUGHT", "columns": {"time": "at", "weight": "n"}, "where": {"state": "paid"}},
        "got": {
            "path": {"first": {"type": "OF", "direction": "in"}, "node": "Parcel", "last": "WITH"},
            "columns": {"time": "node.at", "id": "last.id"},
        },
    },
}
GRAPH = """
CREATE (:Maker {name: 'Ä & Co'}), (:Maker {name: 'Other'}), (:Maker)
CREATE (c1:Customer {no: 1}), (c2:Customer {no: 2.0}), (c3:Customer {no: 'c-3'}), (:Customer {no: 2.5}),
       (:Customer {no: true}), (c0:Customer), (:Customer {no: ['a']})
CREATE (p1:Product:Thing {sku: 'a', title: 'Anvil', price: 3, launched: date('2020-02-03'), tags: ['red', 'new'],
                    place: point({latitude: 1.5, longitude: 2.0}), year: 2001, maker: 'Ä & Co'})
CREATE (p2:Product:Thing:Sale {sku: 17, title: 'Bell', price: 2.5, launched: datetime('2021-01-01T23:30:00+02:00'),
                    tags: 'red', year: 'unknown', maker: 'nobody'})
CREATE (p3:Thing:Product {sku: ' padded ', launched: localdatetime('2022-03-04T05:06:07'), price: 0.0 / 0.0})
CREATE (:Product:Thing {sku: 'a', title: 'Another'}), (:Product:Thing {title: 'No key'}), (:Product {sku: 'no thing'})
CREATE (twin:Product:Thing {sku: 17, title: 'Bell', price: 2.5, launched: datetime('2021-01-01T23:30:00+02:00'),
                    tags: 'red', year: 'unknown', maker: 'nobody'})
CREATE (c1)-[:BOUGHT {state: 'paid', at: datetime('2020-01-01T00:00:00[Europe/Berlin]'), n: 2}]->(p1)
CREATE (c1)-[:BOUGHT {state: 'open', at: 5, n: 2}]->(p1)
CREATE (c2)-[:BOUGHT {state: ['new', 'paid'], at: date('2020-01-02')}]->(p2)
CREATE (c2)-[:BOUGHT {state: 'paid', at: 1600000000.5, n: 1.5}]->(twin)
CREATE (c2)-[:BOUGHT {state: 'paid', at: 1600000000.5, n: 1.5}]->(p2)
CREATE (c3)-[:BOUGHT {state: 'paid', at: 'yesterday'}]->(p1)
CREATE (c3)-[:BOUGHT {state: 'paid', at: '2020-05-06T07:08:09Z', n: 1.0 / 0.0}]->(p1)
CREATE (c3)-[:BOUGHT {state: 'paid', n: 'many'}]->(p3)
CREATE (c3)-[:BOUGHT {state: 'paid', at: 0}]->(p3)
CREATE (c0)-[:BOUGHT {state: 'paid'}]->(p3)
CREATE (c1)<-[:OF]-(:Parcel {at: date('2020-01-01')})-[:WITH {id: 1}]->(p1)
CREATE (c1)<-[:OF]-(:Parcel {at: date('2020-01-03')})-[:WITH {id: 1}]->(p2)
CREATE (c1)<-[:OF]-(:Letter {at: date('2020-01-04')})-[:WITH {id: 2}]->(p2)
"""


@pytest.fixture
def view(empty_neo4j: Server, tmp_path: Path) -> Iterator[GraphView]:
    empty_neo4j.query(GRAPH)
    view = described(tmp_path, empty_neo4j)
    yield view
    view.close()


def named_neighbours(graph: KnowledgeGraph, kind: str, key: str) -> list[tuple[str, list[str]]]:
    near = neighbours(graph, graph.node_id(kind, key))
    return [(each.relation.name, [graph.nodes(each.kind).keys[row] for row in each.rows.tolist()]) for each in near]


def described(folder: Path, server: Server, **graph: Any) -> GraphView:
    folder.mkdir(exist_ok=True)
    path = folder / "domain.yaml"
    whole = {"graph": {"uri": server.uri, "refresh": 0, **graph}, **SHOP}
    path.write_text(DomainSchema.from_mapping(whole).to_yaml(), encoding="utf-8")
    return GraphView.open(path)


def events(graph: KnowledgeGraph, kind: str) -> list[tuple[str, str, float | None, float | None]]:
    (table,) = (each for each in graph.events if each.kind == kind)
    users = graph.nodes("customer").keys
    return [
        (users[user], graph.item_ids[item], None if time != time else time, None if weight != weight else weight)
        for user, item, time, weight in zip(
            table.users.tolist(), table.items.tolist(), table.times.tolist(), table.weights.tolist(), strict=True
        )
    ]


def test_every_sort_of_value_has_its_place_or_is_named(view: GraphView, empty_neo4j: Server, tmp_path: Path) -> None:
    before = content(empty_neo4j)
    report = view.read_again(quarantine=tmp_path / "quarantine.jsonl")
    graph = view.snapshot()
    assert graph.nodes("customer").keys.to_list() == ["1", "2", "c-3"]
    products = graph.nodes("product")
    assert products.keys.to_list() == [" padded ", "17", "a"]
    assert products.labels.to_list() == [" padded ", "Bell", "Anvil"]
    assert products.texts.to_list() == ["", "Bell\nred", "Anvil\nred, new"]
    fields = {name: list(products.fields[name]) for name in ("price", "launched", "place", "year")}
    assert fields == {
        "price": [None, 2.5, 3.0],
        "launched": ["2022-03-04", "2021-01-01", "2020-02-03"],
        "place": [None, None, "point({x: 2.0, y: 1.5, crs: 'wgs-84'})"],
        "year": [None, None, 2001],
    }
    assert graph.nodes("tag").keys.to_list() == ["new", "red"]
    assert named_neighbours(graph, "product", "a") == [("made_by", ["Ä & Co"]), ("tagged", ["new", "red"])]
    assert named_neighbours(graph, "tag", "red") == [("tagged", ["17", "a"])]
    assert events(graph, "bought") == [
        ("1", "a", 1577833200.0, 2.0),
        ("2", "17", 1577923200.0, None),
        ("2", "17", 1600000000.5, 1.5),
        ("c-3", " padded ", 0.0, None),
    ]
    assert events(graph, "got") == [("1", "a", 1577836800.0, None)]
    (bought,) = (each for each in graph.events if each.kind == "bought")
    assert bought.ids[0] == event_digest("1", "a", "product", "bought", 1577833200.0, 2.0)
    assert report.repeated == 2  # the twin and the second purchase of it
    assert report.bad == {
        Reason.MISSING_KEY: 3,  # a maker, a customer, a product
        Reason.BAD_VALUE: 3,  # three customers
        Reason.DUPLICATE_KEY: 2,  # a product, a parcel
        Reason.BAD_NUMBER: 3,  # a year, two weights
        Reason.BAD_TIME: 1,
        Reason.UNKNOWN_END: 2,  # a maker, a customer that was left out
    }
    assert report.dangling == view.dangling() == 2
    lines = [json.loads(line) for line in (tmp_path / "quarantine.jsonl").read_text().splitlines()]
    assert len(lines) == sum(report.bad.values())
    # A person finds each element by what the line says.
    (missing,) = (line for line in lines if line["section"] == "nodes.product" and line["reason"] == "missing key")
    element = missing["file"].removeprefix("element ")
    assert empty_neo4j.query("MATCH (n) WHERE elementId(n) = $id RETURN n.title", id=element) == [["No key"]]
    (late,) = (line for line in lines if line["reason"] == "unparsable time")
    element = late["file"].removeprefix("element ")
    found = empty_neo4j.query("MATCH ()-[r]->() WHERE elementId(r) = $id RETURN r.at", id=element)
    assert found == [["yesterday"]]
    assert content(empty_neo4j) == before


def test_a_read_says_what_is_missing_altogether(empty_neo4j: Server, tmp_path: Path) -> None:
    empty_neo4j.query("CREATE (:Product:Thing {number: 1}), (:Customer {no: 1})")
    view = described(tmp_path, empty_neo4j)
    with pytest.raises(StoreEmpty, match="no node \\(:Product:Thing\\) has the property 'sku'"):
        view.snapshot()
    empty_neo4j.query("MATCH (p:Product) SET p.sku = 1")
    report = view.read_again()
    assert any("no node (:Maker)" in note for note in report.notes)
    assert any("interactions.bought: the graph has none" in note for note in report.notes)
    empty_neo4j.query("CREATE (:Product:Thing)")
    with pytest.raises(StoreError, match="1 bad values or elements"):
        view.read_again(strict=True)
    assert view.snapshot().n_items == 1
    view.close()


def test_a_changed_graph_is_read_again_and_a_silent_change_when_asked(view: GraphView, empty_neo4j: Server) -> None:
    first = view.snapshot()
    assert first.generation == view.state().generation == 1
    empty_neo4j.query("CREATE (:Product:Thing {sku: 'late'})")
    assert view.state().generation == 2
    assert view.snapshot().item_index("late") >= 0
    assert view.state().generation == view.snapshot().generation == 2
    empty_neo4j.query("MATCH (p:Product {sku: 'late'}) SET p.title = 'Renamed'")
    assert view.snapshot().label_of(view.snapshot().item_index("late")) == "late"
    assert view.read_again().changed
    assert view.snapshot().label_of(view.snapshot().item_index("late")) == "Renamed"
    assert view.state().generation == view.snapshot().generation == 3
    assert not view.read_again().changed
    assert view.state().generation == 3


def pretend_read_from_there(path: Path) -> None:
    """Note the present description as the one that was read by: its server has gone away, and not moved."""
    kept = path.parent / ".whypath" / path.stem / "kept.json"
    note = json.loads(kept.read_text())
    kept.write_text(json.dumps({**note, "schema": DomainSchema.read(path).to_json()}))


def test_the_last_snapshot_and_the_log_serve_while_the_server_is_away(
    view: GraphView, empty_neo4j: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = view.snapshot()
    path = tmp_path / "domain.yaml"
    path.write_text(path.read_text().replace(empty_neo4j.uri, "bolt://127.0.0.1:1"))
    monkeypatch.setenv("NEO4J_URI", "bolt://127.0.0.1:1")
    other = GraphView.open(path)
    # Another address is another graph, so what was read before does not serve for it.
    with pytest.raises(StoreUnavailable):
        other.snapshot()
    pretend_read_from_there(path)
    with pytest.raises(StoreUnavailable):
        other.state()
    assert (other.snapshot().digest, other.snapshot().generation) == (graph.digest, graph.generation)
    assert other.append_events([Event.of("new", "a", "product", "bought", id="while away")]).written == 1
    assert len(other.snapshot().events_of("new")) == 1
    other.close()
    assert len(view.snapshot().events_of("new")) == 1


def test_an_engine_says_that_its_answers_are_stale(
    view: GraphView, empty_neo4j: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view.snapshot()
    path = tmp_path / "domain.yaml"
    with Engine.open(str(path)) as engine:
        assert engine.graph.n_items == 3
        assert engine.stale is None
    path.write_text(path.read_text().replace(empty_neo4j.uri, "bolt://127.0.0.1:1"))
    monkeypatch.setenv("NEO4J_URI", "bolt://127.0.0.1:1")
    pretend_read_from_there(path)
    with Engine.open(str(path)) as engine:
        assert engine.graph.n_items == 3
        assert engine.stale is not None


NASTY = ("a b", "ns:Name", "Ünï-çødé", "x`) DETACH DELETE (n", "`", "``", "DELETE", "1", "a.b", "'; //", "a\nb")


@pytest.mark.parametrize("name", NASTY)
def test_names_are_names_whatever_they_say(name: str, empty_neo4j: Server, tmp_path: Path) -> None:
    quoted = "`" + name.replace("`", "``") + "`"
    empty_neo4j.query(
        f"CREATE (u:{quoted}:User {{{quoted}: 'ann'}})-[:{quoted} {{{quoted}: 3, kind: $name}}]->"
        f"(:Item:{quoted} {{{quoted}: 'thing', wanted: $name}})",
        name=name,
    )
    before = content(empty_neo4j)
    whole = {
        "graph": {"uri": empty_neo4j.uri},
        "nodes": {
            "user": {"role": "user", "labels": [name, "User"], "key": name},
            "item": {"role": "item", "labels": ["Item", name], "key": name, "where": {"wanted": name},
                     "fields": {"n": {"type": "text", "column": name}}},
        },
        "interactions": {"did": {"relationship": name, "columns": {"weight": name}, "where": {"kind": name}}},
    }  # fmt: skip
    path = tmp_path / "domain.yaml"
    path.write_text(DomainSchema.from_mapping(whole).to_yaml(), encoding="utf-8")
    view = GraphView.open(path)
    graph = view.snapshot()
    (table,) = graph.events_of("ann")
    assert (graph.item_ids.to_list(), table.weights.tolist()) == (["thing"], [3.0])
    view.close()
    assert content(empty_neo4j) == before


def test_a_name_with_a_backslash_is_refused(empty_neo4j: Server, tmp_path: Path) -> None:
    whole = {
        "graph": {"uri": empty_neo4j.uri},
        "nodes": {"user": {"role": "user", "labels": "User", "key": "id"},
                  "item": {"role": "item", "labels": "\\u0060) DETACH DELETE n //", "key": "id"}},
        "interactions": {"did": {"relationship": "DID"}},
    }  # fmt: skip
    path = tmp_path / "domain.yaml"
    path.write_text(DomainSchema.from_mapping(whole).to_yaml(), encoding="utf-8")
    view = GraphView.open(path)
    with pytest.raises(StoreError, match="backslash"):
        view.snapshot()
    view.close()


OWN = "MATCH (u)-[r:WHYPATH_EVENT]->(i) RETURN coalesce(u.no, ''), i.sku, r.id, r.kind, r.time, r.weight ORDER BY r.id"


def test_events_are_written_into_the_graph_where_that_is_asked_for(empty_neo4j: Server, tmp_path: Path) -> None:
    empty_neo4j.query(GRAPH)
    view = described(tmp_path / "write", empty_neo4j, write=True)
    nodes = empty_neo4j.query("MATCH (n) RETURN count(n)")
    batch = [
        Event.of("2", "17", "product", "bought", time=5.0, weight=2.0, id="one"),
        Event.of("stranger", "a", "product", "bought", time=6.0, id="two"),
        Event.of("1", " padded ", "product", "bought", time=7.0, id="three"),
    ]
    assert view.append_events(batch).written == 3
    assert view.append_events(batch).already_there == 3
    other = view.append_events([Event.of("1", "a", "product", "bought", id="one")])
    assert (other.written, len(other.refused)) == (0, 1)
    # The number 17 and its twin are two nodes, so that event is kept in the log alone, like the stranger's.
    assert empty_neo4j.query(OWN) == [[1, " padded ", "three", "bought", 7.0, None]]
    assert empty_neo4j.query("MATCH (n) RETURN count(n)") == nodes
    unique = empty_neo4j.query(
        "SHOW CONSTRAINTS YIELD type, labelsOrTypes, properties WHERE labelsOrTypes = ['WHYPATH_EVENT']"
        " RETURN type, properties"
    )
    assert unique == [["RELATIONSHIP_UNIQUENESS", ["id"]]]
    graph = view.snapshot()
    # Somebody else's machine, whose log is empty, reads them out of the graph.
    elsewhere = described(tmp_path / "elsewhere", empty_neo4j, write=True)
    assert "three" in {id for table in elsewhere.snapshot().events_of("1") for id in table.ids}
    assert elsewhere.append_events(batch[2:]).already_there == 1
    elsewhere.close()
    # Read again, what is in the graph and in the log is one event.
    view.read_again()
    assert view.snapshot().events_digest == graph.events_digest
    report = view.delete_user("1")
    assert (report.found, report.remaining) == (True, 0)
    assert "still has the customer '1'" in report.left
    assert empty_neo4j.query(OWN) == []
    assert empty_neo4j.query("MATCH (n) RETURN count(n)") == nodes
    assert view.snapshot().events_of("1") == []
    view.close()
