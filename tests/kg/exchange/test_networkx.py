"""Snapshots to networkx graphs and back."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given, settings

from kg.errors import WhyPathError
from kg.exchange.networkx import from_networkx, to_networkx
from kg.graph import KnowledgeGraph, UnknownNode
from kg.rows import NodeRow
from tests.kg.graph.graphs import GRAPHS, SCHEMA
from whypath.testing.stores.domain import EDGES, EVENTS, NODES, films_schema


@pytest.fixture
def graph() -> KnowledgeGraph:
    return KnowledgeGraph.from_rows(SCHEMA, NODES, EDGES, EVENTS, generation=3, event_generation=7)


@given(GRAPHS)
@settings(max_examples=40, deadline=None)
def test_networkx_has_every_node_and_edge(graph: KnowledgeGraph) -> None:
    exported = to_networkx(graph, interactions=True, hidden=True)
    assert set(exported) == {graph.node_of(node)[:2] for node in range(graph.n_nodes)}
    edges = {(name, head, tail) for head, tail, name in exported.edges(keys=True) if isinstance(name, str)}
    assert edges == {
        (relation.name, graph.node_of(head)[:2], graph.node_of(tail)[:2])
        for relation in graph.relations
        for head, tail in zip(
            (relation.heads + graph.offsets[relation.head_kind]).tolist(),
            (relation.tails + graph.offsets[relation.tail_kind]).tolist(),
            strict=True,
        )
    }
    events = [data["id"] for *_, data in exported.edges(data=True) if "id" in data]
    assert sorted(events) == sorted(event for table in graph.events for event in table.ids)
    assert all("age" not in data for _, data in exported.nodes(data=True))


@given(GRAPHS)
@settings(max_examples=40, deadline=None)
def test_a_complete_networkx_graph_gives_the_snapshot_back(graph: KnowledgeGraph) -> None:
    again = from_networkx(to_networkx(graph, complete=True))
    assert (again.digest, again.events_digest) == (graph.digest, graph.events_digest)
    assert again.schema == graph.schema


def test_fields_named_like_attributes_survive_networkx() -> None:
    fields = dict.fromkeys(("text", "label", "field_label", "kind", "field_x"), "text")
    schema = films_schema()
    nodes = {kind: spec.model_dump(exclude_defaults=True) for kind, spec in schema.nodes.items()}
    schema = films_schema(nodes=nodes | {"film": {**nodes["film"], "fields": fields}})
    node = NodeRow("film", "1", "", "read", {name: f"value of {name}" for name in fields})
    graph = KnowledgeGraph.from_rows(schema, [node])
    again = from_networkx(to_networkx(graph, complete=True))
    assert again.digest == graph.digest
    assert again.nodes("film").fields["field_label"][0] == "value of field_label"


def test_somebody_elses_networkx_graph() -> None:
    foreign = nx.MultiDiGraph()
    foreign.add_node("m1", kind="movie", role="item", title="Heat", year=1995)
    foreign.add_node("m2", kind="movie", role="item", year=None)
    foreign.add_node("p", kind="person", label="Michael Mann")
    foreign.add_node(42, kind="fan", role="user")
    foreign.add_edge("m1", "p", "by")
    foreign.add_edge(42, "m1", "saw", weight=4, time=10)
    foreign.add_edge(42, "m1", "saw again", relation="saw", id=7)
    graph = from_networkx(foreign)
    assert graph.schema.item_kinds == ("movie",)
    assert graph.item_ids.to_list() == ["m1", "m2"]
    assert list(graph.nodes("movie").fields["year"]) == [1995, None]
    assert graph.nodes("person").labels.to_list() == ["Michael Mann"]
    assert [len(relation) for relation in graph.relations] == [1]
    assert sorted(graph.events[0].ids)[0] == "7"
    assert graph.events[0].users.tolist() == [0, 0]
    assert from_networkx(foreign, graph.schema).digest == graph.digest
    plain: nx.DiGraph = nx.DiGraph()
    plain.add_edges_from([("a", "b"), ("u", "a")])
    plain.add_nodes_from((node, {"kind": "person" if node == "u" else "thing"}) for node in "abu")
    described = from_networkx(plain, items="thing", users="person")
    assert [described.n_items, [len(r) for r in described.relations], [len(e) for e in described.events]] == [
        2,
        [1],
        [1],
    ]
    with pytest.raises(WhyPathError, match="which nodes are items"):
        from_networkx(plain)
    with pytest.raises(WhyPathError, match="no kind 'thing'"):
        from_networkx(plain, graph.schema.model_copy())
    foreign.add_edge("p", "m1", "by")
    with pytest.raises(WhyPathError, match="no relation 'by' from person to movie"):
        from_networkx(foreign, graph.schema)
    foreign.remove_edge("p", "m1")
    foreign.add_edge(42, "m2", "saw", id=7)
    with pytest.raises(WhyPathError, match="id '7'"):
        from_networkx(foreign, graph.schema)
    foreign.remove_edge(42, "m2")
    foreign.add_node("other", kind="person", key="p")
    with pytest.raises(WhyPathError, match="same kind and key"):
        from_networkx(foreign, graph.schema)


def test_networkx_leaves_out_users_and_hidden_relations_unless_asked(graph: KnowledgeGraph) -> None:
    exported = to_networkx(graph)
    assert isinstance(exported, nx.MultiDiGraph)
    # Only a hidden relation leads to a city.
    assert {kind for kind, _ in exported} == {"film", "series", "person", "genre"}
    assert ("city", "b") in to_networkx(graph, hidden=True)
    assert exported.nodes["film", "1"] == {
        "kind": "film",
        "key": "1",
        "label": "Reservoir Dogs",
        "role": "item",
        "year": 1992,
        "language": "en",
        "hit": True,
    }
    assert exported.edges[("film", "1"), ("person", "qt"), "director"] == {
        "relation": "director",
        "label": "directed by",
    }
    with_events = to_networkx(graph, interactions=True)
    assert with_events.number_of_edges() == 9 + 7
    assert "lives" not in {name for *_, name in with_events.edges(keys=True)}
    rated = with_events.get_edge_data(("viewer", "ann"), ("film", "2"))
    assert [data for data in rated.values() if data["relation"] == "rating"] == [
        {"relation": "rating", "label": "liked", "id": EVENTS[1].id, "weight": 2.0, "time": 5.0}
    ]


@given(GRAPHS)
@settings(max_examples=30, deadline=None)
def test_a_neighbourhood_is_what_networkx_finds_near(graph: KnowledgeGraph) -> None:
    everything = to_networkx(graph, interactions=True, hidden=True)
    for node in range(0, graph.n_nodes, 3):
        for depth in (0, 1, 2):
            near = to_networkx(graph, node, depth, interactions=True, hidden=True)
            expected = nx.ego_graph(everything, graph.node_of(node)[:2], depth, undirected=True)
            assert set(near) == set(expected)
            assert set(near.edges(keys=True)) == set(expected.edges(keys=True))


def test_a_neighbourhood_of_no_node(graph: KnowledgeGraph) -> None:
    with pytest.raises(UnknownNode):
        to_networkx(graph, 99)
