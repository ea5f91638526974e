"""Neighbours of a node, relation by relation."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from kg.graph import KnowledgeGraph, UnknownNode, neighbours
from tests.kg.graph.graphs import GRAPHS, SCHEMA
from whypath.testing.stores.domain import EDGES, EVENTS, NODES


def test_neighbours_are_listed_in_order() -> None:
    graph = KnowledgeGraph.from_rows(SCHEMA, NODES, EDGES, EVENTS)

    def listed(kind: str, key: str) -> list[tuple[str, bool, str, list[str]]]:
        return [
            (near.relation.name, near.forward, near.kind, [graph.nodes(near.kind).keys[row] for row in near.rows])
            for near in neighbours(graph, graph.node_id(kind, key))
        ]

    assert listed("film", "10") == [("director", True, "person", ["qt", "rr"]), ("sequel", True, "film", ["11"])]
    assert listed("person", "qt") == [("director", False, "film", ["1", "10", "2"])]
    # Who liked an item, and what somebody liked, is no relation.
    assert listed("viewer", "ann") == [("lives", True, "city", ["b"])]
    with pytest.raises(UnknownNode):
        neighbours(graph, graph.n_nodes)


@given(GRAPHS)
@settings(max_examples=25)
def test_every_edge_is_listed_at_both_of_its_ends(graph: KnowledgeGraph) -> None:
    forward, backward = [], []
    for node in range(graph.n_nodes):
        for near in neighbours(graph, node):
            others = (near.rows + graph.offsets[near.kind]).tolist()
            assert others == sorted(others)
            if near.forward:
                forward += [(near.relation.name, node, other) for other in others]
            else:
                backward += [(near.relation.name, other, node) for other in others]
    edges = [
        (relation.name, head + graph.offsets[relation.head_kind], tail + graph.offsets[relation.tail_kind])
        for relation in graph.relations
        for head, tail in zip(relation.heads.tolist(), relation.tails.tolist(), strict=True)
    ]
    assert sorted(forward) == sorted(backward) == sorted(edges)
