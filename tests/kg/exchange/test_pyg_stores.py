"""The snapshot behind PyTorch Geometric's interfaces, used by PyG's own code: layouts, loaders, batches."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from torch_geometric.data import EdgeAttr, FeatureStore, GraphStore, HeteroData
from torch_geometric.data.graph_store import EdgeLayout
from torch_geometric.data.remote_backend_utils import num_nodes
from torch_geometric.loader import NodeLoader
from torch_geometric.sampler import BaseSampler, HeteroSamplerOutput, NodeSamplerInput

from kg.exchange.pyg import to_pyg
from kg.exchange.pyg_stores import to_pyg_stores
from kg.graph import KnowledgeGraph
from tests.kg.graph.graphs import GRAPHS, SCHEMA
from whypath.testing.stores.domain import EDGES, EVENTS, NODES


def rebuilt(features: FeatureStore, edges: GraphStore) -> HeteroData:
    """HeteroData of nothing but what the stores say."""
    data = HeteroData()
    for attr in features.get_all_tensor_attrs():
        assert attr.group_name is not None
        data[attr.group_name][attr.attr_name] = features.get_tensor(attr.group_name, attr.attr_name, None)
    rows, columns, _ = edges.coo()
    for edge_type in rows:
        data[edge_type].edge_index = torch.stack([rows[edge_type], columns[edge_type]])
    return data


def assert_equal(ours: HeteroData, theirs: HeteroData) -> None:
    assert set(ours.edge_types) == set(theirs.edge_types)
    for group in (*theirs.node_types, *theirs.edge_types):
        for name, value in theirs[group].items():
            if isinstance(value, torch.Tensor):
                assert ours[group][name].dtype == value.dtype
                assert torch.equal(ours[group][name].nan_to_num(-7), value.nan_to_num(-7)), (group, name)


@given(GRAPHS)
@settings(max_examples=25, deadline=None)
def test_the_stores_say_what_to_pyg_says(graph: KnowledgeGraph) -> None:
    features, edges = to_pyg_stores(graph)
    data = to_pyg(graph)
    assert_equal(rebuilt(features, edges), data)
    # Every layout that PyG converts to or finds says the same edges.
    for edge_type in data.edge_types:
        pairs = sorted(data[edge_type].edge_index.t().tolist())
        starts, tails, _ = edges.csr([edge_type])
        found = torch.repeat_interleave(torch.arange(len(starts[edge_type]) - 1), starts[edge_type].diff())
        assert sorted(torch.stack([found, tails[edge_type]]).t().tolist()) == pairs
        heads, ends, _ = edges.csc([edge_type])
        found = torch.repeat_interleave(torch.arange(len(ends[edge_type]) - 1), ends[edge_type].diff())
        assert sorted(torch.stack([heads[edge_type], found]).t().tolist()) == pairs
    for kind in graph.kinds:
        assert num_nodes(features, edges, kind) == len(graph.nodes(kind))


@pytest.fixture
def graph() -> KnowledgeGraph:
    return KnowledgeGraph.from_rows(SCHEMA, NODES, EDGES, EVENTS)


def test_parts_of_tensors(graph: KnowledgeGraph) -> None:
    stores: tuple[Any, Any] = to_pyg_stores(graph)
    features, edges = stores
    whole = to_pyg(graph)["film"].fields
    for index in (torch.tensor([3, 0]), slice(1, 3), torch.tensor([2]).numpy()):
        assert torch.equal(features.get_tensor("film", "fields", index).nan_to_num(-7), whole[index].nan_to_num(-7))
    assert features.get_tensor_size("film", "fields", None) == tuple(whole.shape)
    assert features.view("viewer").node_id[:].tolist() == to_pyg(graph)["viewer"].node_id.tolist()
    for name in ("nothing", "fields"):
        with pytest.raises(KeyError):
            features.get_tensor("viewer", name, None)
    with pytest.raises(KeyError):
        edges.get_edge_index(EdgeAttr(("film", "nothing", "film"), EdgeLayout.COO))
    # What is read from a file stays as it is.
    assert not features.put_tensor(whole, "film", "fields", None)
    assert not edges.put_edge_index((whole, whole), EdgeAttr(("film", "director", "person"), EdgeLayout.COO))
    assert not features.remove_tensor("film", "fields", None)
    assert not edges.remove_edge_index(EdgeAttr(("film", "director", "person"), EdgeLayout.COO))


class OneHop(BaseSampler):
    """All films of some people: what a user writes who has no pyg-lib."""

    def __init__(self, edges: GraphStore) -> None:
        self.edge_type = ("film", "director", "person")
        heads, ends, _ = edges.csc([self.edge_type])
        self.heads, self.ends = heads[self.edge_type], ends[self.edge_type]

    def sample_from_nodes(self, index: NodeSamplerInput, **kwargs: Any) -> HeteroSamplerOutput:
        people = index.node
        parts = [torch.arange(int(self.ends[person]), int(self.ends[person + 1])) for person in people.tolist()]
        films, local = self.heads[torch.cat(parts)].unique(return_inverse=True)
        columns = torch.repeat_interleave(torch.arange(len(people)), torch.tensor([len(part) for part in parts]))
        return HeteroSamplerOutput(
            node={"film": films, "person": people},
            row={self.edge_type: local},
            col={self.edge_type: columns},
            edge={self.edge_type: None},
            metadata=(index.input_id, index.time),
        )

    def sample_from_edges(self, index: object, neg_sampling: object = None) -> HeteroSamplerOutput:
        raise TypeError("this sampler starts from nodes")


def test_a_loader_of_pyg_makes_batches_of_the_stores(graph: KnowledgeGraph) -> None:
    features, edges = to_pyg_stores(graph)
    loader = NodeLoader((features, edges), OneHop(edges), input_nodes="person", batch_size=1)
    batches = list(loader)
    assert len(batches) == len(graph.nodes("person"))
    data = to_pyg(graph)
    for person, batch in enumerate(batches):
        films = data["film", "director", "person"].edge_index
        mine = films[0][films[1] == person]
        assert batch["film"].node_id.tolist() == mine.tolist()
        assert batch["person"].node_id.tolist() == [graph.offsets["person"] + person]
        assert torch.equal(batch["film"].fields.nan_to_num(-7), data["film"].fields[mine].nan_to_num(-7))
        assert batch["film", "director", "person"].edge_index.tolist() == [list(range(len(mine))), [0] * len(mine)]
