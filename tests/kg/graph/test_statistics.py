"""Figures about a snapshot."""

from __future__ import annotations

import networkx as nx
from hypothesis import given, settings

from kg.exchange.networkx import to_networkx
from kg.graph import KnowledgeGraph, graph_statistics
from tests.kg.graph.graphs import GRAPHS, SCHEMA
from whypath.testing.stores.domain import EDGES, EVENTS, NODES


def test_statistics_of_a_small_graph() -> None:
    found = graph_statistics(KnowledgeGraph.from_rows(SCHEMA, NODES, EDGES, EVENTS))
    films = found.nodes[0]
    assert (films.kind, films.role, films.nodes, films.without_text, films.isolated) == ("film", "item", 5, 2, 1)
    assert films.known_fields == {"year": 3, "language": 3, "released": 1, "hit": 1}
    director = found.relations[0]
    assert (director.name, director.head, director.tail, director.edges) == ("director", "film", "person", 4)
    assert (director.per_head.none, director.per_head.maximum, director.per_head.mean) == (2, 2, 0.8)
    assert (director.per_tail.minimum, director.per_tail.median) == (1, 2.0)
    rating, view = found.interactions
    assert (rating.events, rating.positive, rating.users, rating.items, rating.pairs) == (3, 2, 2, 2, 3)
    assert (rating.first, rating.last) == (5.0, 10.0)
    assert (view.events, view.pairs) == (4, 3)
    assert found.items_without_facts == 1
    assert found.items_without_facts_examples == ("ä",)
    assert found.items_without_events == 4
    assert found.facts_per_item.maximum == 3
    assert found.isolated_entities_examples == ()


def test_statistics_of_nothing() -> None:
    found = graph_statistics(KnowledgeGraph.from_rows(SCHEMA, []))
    assert found.components.count == 0
    assert found.facts_per_item.mean == 0.0
    assert found.interactions[0].first is None


@given(GRAPHS)
@settings(max_examples=40, deadline=None)
def test_components_are_those_of_networkx(graph: KnowledgeGraph) -> None:
    found = graph_statistics(graph)
    sizes = [len(part) for part in nx.weakly_connected_components(to_networkx(graph, hidden=True))]
    assert found.components.count == len(sizes)
    assert found.components.largest == max(sizes, default=0)
    assert found.components.isolated == sizes.count(1)
    assert found.items_without_facts == int((graph.item_facts().degrees() == 0).sum())
