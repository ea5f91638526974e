"""The snapshot as HeteroData."""

from __future__ import annotations

import numpy as np

from kg.exchange.pyg import to_pyg
from kg.graph import KnowledgeGraph
from tests.kg.graph.graphs import SCHEMA
from whypath.testing.stores.domain import EDGES, EVENTS, NODES


def test_nodes_fields_relations_and_events_as_tensors() -> None:
    graph = KnowledgeGraph.from_rows(SCHEMA, NODES, EDGES, EVENTS)
    data = to_pyg(graph, inverse=True)
    assert data.validate()
    assert data["film"].num_nodes == 5
    assert data["person"].node_id.tolist() == [10, 11]
    assert data["film"].field_names == ["hit", "released", "year"]
    assert data["film"].fields[0, 2] == 1992
    assert np.isnan(data["film"].fields[2].numpy()).all()
    # What users are is loaded, and no model gets it unless the description says so.
    assert "fields" not in data["viewer"]
    assert data["film", "director", "person"].edge_index.tolist() == [[0, 1, 1, 3], [0, 0, 1, 0]]
    assert data["person", "~director", "film"].edge_index.tolist() == [[0, 0, 1, 0], [0, 1, 1, 3]]
    assert data["viewer", "view", "series"].edge_index.tolist() == [[2], [0]]
    rated = data["viewer", "rating", "film"]
    assert rated.edge_index.tolist() == [[0, 0, 1], [3, 0, 3]]
    assert rated.edge_weight.tolist() == [2.0, 5.0, 4.0]
    assert rated.positive.tolist() == [False, True, True]
    assert ("viewer", "rating", "film") not in to_pyg(graph, interactions=False).edge_types
