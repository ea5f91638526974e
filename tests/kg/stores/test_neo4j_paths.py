"""Paths found by the server against those found in memory: the same, in the same order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.graph import KnowledgeGraph
from kg.opening import open_store
from kg.paths import list_paths
from kg.rows import EdgeRow, Event, NodeRow
from kg.schema import DomainSchema
from kg.stores import FindsPaths, GraphStore
from kg.stores.neo4j.paths import _ranges
from tests.kg.graph.graphs import SCHEMA, rows
from tests.neo4j_server import Server
from whypath.testing.stores.base import load, paths
from whypath.testing.stores.domain import films_schema


@pytest.fixture
def stores(empty_neo4j: Server, tmp_path: Path) -> Iterator[tuple[GraphStore, GraphStore]]:
    both = open_store("neo4j", create=True), open_store(tmp_path / "embedded", create=True)
    yield both
    for store in both:
        store.close()


def check_the_same(stores: tuple[GraphStore, GraphStore], graph: KnowledgeGraph, bounds: list[int]) -> int:
    """Compare the paths between some nodes of the graph, and of cut lists; the number of paths."""
    database, embedded = stores
    assert isinstance(database, FindsPaths)
    count = 0
    chosen = range(0, graph.n_nodes, max(1, graph.n_nodes // 4))
    for position, (source, target) in enumerate((a, b) for a in chosen for b in chosen):
        ends = graph.node_of(source)[:2], graph.node_of(target)[:2]
        options = {"max_edges": bounds[position % len(bounds)], "interactions": position % 2 == 0}
        limit = 3 if position % 3 == 0 else 10_000
        found = database.paths(*ends, **options, limit=limit)
        assert found == list_paths(embedded.snapshot(), *ends, **options, limit=limit)
        assert found == list_paths(graph, *ends, **options, limit=limit)
        count += len(found)
    return count


@given(rows())
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_both_stores_list_the_same_paths(
    stores: tuple[GraphStore, GraphStore], found: tuple[list[NodeRow], list[EdgeRow], list[Event]]
) -> None:
    nodes, edges, events = found
    for store in stores:
        load(store, nodes=nodes, edges=edges, events=events, replace=True)
    check_the_same(stores, KnowledgeGraph.from_rows(SCHEMA, nodes, edges, events), [2, 3, 2, 4, 2])


def test_a_type_that_a_hidden_relation_shares_is_told_apart_by_its_ends(
    stores: tuple[GraphStore, GraphStore],
) -> None:
    schema = films_schema(
        relations={
            "lives": {"source": "r.csv", "head": "viewer", "tail": "city", "hidden": True},
            "Lives": {"source": "r.csv", "head": "film", "tail": "city"},
            "LIVES": {"source": "r.csv", "head": "person", "tail": "city"},
            "genre": {"source": "r.csv", "head": ["film", "series"], "tail": "genre"},
            "follows": {"source": "r.csv", "head": "film", "tail": "film"},
        }
    )
    nodes = [NodeRow("film", key, key) for key in "abc"]
    nodes += [
        NodeRow(kind, key, key) for kind, keys in (("viewer", "uv"), ("city", "xy"), ("person", "p")) for key in keys
    ]
    edges = [EdgeRow("lives", "u", "x"), EdgeRow("lives", "v", "x"), EdgeRow("lives", "v", "y")]
    edges += [
        EdgeRow("Lives", "a", "x"),
        EdgeRow("Lives", "b", "x"),
        EdgeRow("Lives", "a", "y"),
        EdgeRow("Lives", "b", "y"),
    ]
    edges += [
        EdgeRow("LIVES", "p", "x"),
        EdgeRow("LIVES", "p", "y"),
        EdgeRow("follows", "a", "a"),
        EdgeRow("follows", "a", "c"),
    ]
    events = [Event.of("u", "a", "film", "view"), Event.of("u", "a", "film", "view", time=1.0)]
    for store in stores:
        load(store, nodes=nodes, edges=edges, events=events, schema=schema)
    graph = KnowledgeGraph.from_rows(schema, nodes, edges, events)
    assert check_the_same(stores, graph, [4, 3]) > 10
    assert not paths(stores[0], ("viewer", "v"), ("film", "a"), interactions=True)


def test_a_query_that_takes_too_long_is_stopped(
    stores: tuple[GraphStore, GraphStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    load(stores[0])
    monkeypatch.setattr("kg.stores.neo4j.paths.PATH_SECONDS", 0.0)
    found = paths(stores[0], ("film", "1"), ("film", "2"))
    assert (len(found), found.complete) == (0, False)


@given(
    st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6),
    st.floats(allow_nan=False, min_value=-2e6, max_value=2e6),
    st.integers(-2, 2),
)
def test_weights_are_compared_as_snapshots_compare_them(bound: float, weight: float, steps: int) -> None:
    for _ in range(abs(steps)):
        # Around the doubles that are halfway between two single ones.
        weight = float(np.nextafter((bound + np.nextafter(np.float32(bound), np.float32(np.inf))) / 2, steps * np.inf))
    for rule in ({"min_weight": bound}, {"max_weight": bound}, {"weights": [bound, 3.0]}):
        schema = DomainSchema.from_mapping(
            {
                "name": "x",
                "nodes": {
                    "film": {"role": "item", "source": "f.csv", "key": "id"},
                    "user": {"role": "user", "source": "u.csv", "key": "id"},
                },
                "interactions": {"saw": {"items": ["film"], "positive": rule}},
            }
        )
        spec = schema.interactions["saw"]
        inside = any(low <= weight <= high for low, high in _ranges(spec.positive))
        assert inside == spec.is_positive(np.array([weight], dtype=np.float32))[0]
