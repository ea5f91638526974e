"""Entities that only hidden relations lead to are shown as little as those relations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from kg.exchange.networkx import to_networkx
from kg.graph import KnowledgeGraph, UnknownNode
from kg.rows import EdgeRow, NodeRow
from kg.schema import DomainSchema
from tests.kg.graph.graphs import GRAPHS


def people_schema() -> DomainSchema:
    return DomainSchema.from_mapping(
        {
            "nodes": {
                "book": {"role": "item", "source": "books.csv", "key": "id"},
                "group": {},
                "reader": {"role": "user", "source": "readers.csv", "key": "id"},
            },
            "relations": {
                "about": {"source": "about.csv", "head": "book", "tail": "group"},
                "belongs": {"source": "belongs.csv", "head": "reader", "tail": "group", "hidden": True},
                "aimed_at": {"source": "aimed.csv", "head": "book", "tail": "group", "hidden": True},
            },
        }
    )


@pytest.fixture
def graph() -> KnowledgeGraph:
    nodes = [
        NodeRow("book", "b", "B"),
        *(NodeRow("group", key, key.upper()) for key in ("secret", "aimed", "both", "loose")),
        NodeRow("reader", "r", "R"),
    ]
    edges = [
        EdgeRow("belongs", "r", "secret"),
        EdgeRow("belongs", "r", "both"),
        EdgeRow("aimed_at", "b", "aimed"),
        EdgeRow("about", "b", "both"),
    ]
    return KnowledgeGraph.from_rows(people_schema(), nodes, edges)


def test_only_what_no_open_relation_leads_to_is_concealed(graph: KnowledgeGraph) -> None:
    found = [graph.node_of(node)[:2] for node in np.flatnonzero(graph.concealed).tolist()]
    assert found == [("group", "aimed"), ("group", "secret")]


def test_exports_leave_it_out_and_looking_it_up_finds_nothing(graph: KnowledgeGraph) -> None:
    for exported in (to_networkx(graph), to_networkx(graph, interactions=True)):
        assert {key for kind, key in exported if kind == "group"} == {"both", "loose"}
    near = to_networkx(graph, graph.node_id("reader", "r"), 2, interactions=True)
    assert ("group", "secret") not in near
    assert ("group", "secret") in to_networkx(graph, complete=True)
    with pytest.raises(UnknownNode) as concealed:
        graph.shown_node_id("group", "secret")
    with pytest.raises(UnknownNode) as absent:
        graph.shown_node_id("group", "absent")
    assert str(concealed.value).replace("secret", "absent") == str(absent.value)
    assert graph.shown_node_id("group", "both") == graph.node_id("group", "both")


@given(GRAPHS)
@settings(max_examples=40)
def test_concealed_is_what_has_hidden_edges_alone(graph: KnowledgeGraph) -> None:
    everything, shown = (to_networkx(graph, interactions=True, hidden=hidden) for hidden in (True, False))
    for node in range(graph.n_nodes):
        name = graph.node_of(node)[:2]
        is_entity = everything.nodes[name]["role"] == "entity"
        edges = {data["relation"] for *_, data in everything.in_edges(name, data=True)}
        edges |= {data["relation"] for *_, data in everything.out_edges(name, data=True)}
        hidden = {relation.name for relation in graph.relations if relation.hidden}
        assert graph.concealed[node] == (is_entity and bool(edges) and edges <= hidden)
        assert (name in shown) == (not graph.concealed[node])
