"""Serve a snapshot through PyTorch Geometric's remote-backend interface: read-only `FeatureStore` and `GraphStore`.

They hold no data: a tensor is made of the snapshot's mapped columns on request. Names and content are those of
`kg.exchange.pyg.to_pyg`.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import EdgeAttr, FeatureStore, GraphStore, TensorAttr
from torch_geometric.data.graph_store import EdgeLayout

from kg.exchange.pyg import events_on, numeric_fields
from kg.graph import KnowledgeGraph

EdgeType = tuple[str, str, str]


def to_pyg_stores(graph: KnowledgeGraph) -> tuple[SnapshotFeatures, SnapshotEdges]:
    """Both interfaces over one snapshot."""
    return SnapshotFeatures(graph), SnapshotEdges(graph)


class SnapshotFeatures(FeatureStore):
    """Tensors of nodes (`node_id`, and `fields` where there are any) by kind, and of events (`edge_weight`,
    `edge_time`, `positive`) by (user kind, interaction, item kind), in the order of the graph store's COO edges.
    """

    def __init__(self, graph: KnowledgeGraph) -> None:
        super().__init__()
        object.__setattr__(self, "_graph", graph)

    def get_all_tensor_attrs(self) -> list[TensorAttr]:
        """The available tensors, without indices."""
        graph: KnowledgeGraph = vars(self)["_graph"]
        attributes = [TensorAttr(kind, "node_id") for kind in graph.kinds]
        attributes += [TensorAttr(kind, "fields") for kind in graph.kinds if numeric_fields(graph, kind)]
        for user, kind, item in _interaction_types(graph):
            # PyG names groups of edges by their type, which its annotation does not say.
            group = cast(str, (user, kind, item))
            attributes += [TensorAttr(group, name) for name in ("edge_weight", "edge_time", "positive")]
        return attributes

    def _column(self, attr: TensorAttr) -> NDArray | None:
        graph: KnowledgeGraph = vars(self)["_graph"]
        group: object = attr.group_name
        if isinstance(group, str) and group in graph.offsets:
            if attr.attr_name == "node_id":
                start = graph.offsets[group]
                return np.arange(start, start + len(graph.nodes(group)))
            fields = numeric_fields(graph, group) if attr.attr_name == "fields" else []
            return np.stack([numbers for _, numbers in fields], axis=1).astype(np.float32) if fields else None
        if isinstance(group, tuple) and group in _interaction_types(graph):
            events = events_on(graph, group[1], group[2])
            columns = {"edge_weight": events.weights, "edge_time": events.times, "positive": events.positive}
            return columns.get(attr.attr_name or "")
        return None

    def _get_tensor(self, attr: TensorAttr) -> Tensor:
        column = self._column(attr)
        if column is None:
            raise KeyError(f"the snapshot has no tensor {attr.attr_name!r} of {attr.group_name!r}")
        index = attr.index.numpy() if isinstance(attr.index, Tensor) else attr.index
        return _tensor(column if index is None else column[index])

    def _get_tensor_size(self, attr: TensorAttr) -> tuple[int, ...] | None:
        column = self._column(attr)
        return None if column is None else column.shape

    def _put_tensor(self, tensor: object, attr: TensorAttr) -> bool:
        return False  # a snapshot does not change

    def _remove_tensor(self, attr: TensorAttr) -> bool:
        return False


class SnapshotEdges(GraphStore):
    """Edges of relations in all three layouts (the snapshot has both rows and columns), of events as COO."""

    def __init__(self, graph: KnowledgeGraph) -> None:
        super().__init__()
        object.__setattr__(self, "_graph", graph)

    def get_all_edge_attrs(self) -> list[EdgeAttr]:
        """Every layout of every edge type, with its node counts."""
        graph: KnowledgeGraph = vars(self)["_graph"]
        attributes: list[EdgeAttr] = []
        for relation in graph.relations:
            size = (len(graph.nodes(relation.head_kind)), len(graph.nodes(relation.tail_kind)))
            edge_type = (relation.head_kind, relation.name, relation.tail_kind)
            attributes += [EdgeAttr(edge_type, layout, size=size) for layout in EdgeLayout]
        for edge_type in _interaction_types(graph):
            size = (len(graph.nodes(edge_type[0])), len(graph.nodes(edge_type[2])))
            attributes.append(EdgeAttr(edge_type, EdgeLayout.COO, size=size))
        return attributes

    def _get_edge_index(self, edge_attr: EdgeAttr) -> tuple[Tensor, Tensor] | None:
        graph: KnowledgeGraph = vars(self)["_graph"]
        head, name, tail = edge_attr.edge_type
        for relation in graph.relations:
            if (relation.head_kind, relation.name, relation.tail_kind) == (head, name, tail):
                forward, backward = relation.forward, relation.backward
                match edge_attr.layout:
                    case EdgeLayout.COO:
                        return _ids(relation.heads), _ids(relation.tails)
                    case EdgeLayout.CSR:
                        return _ids(forward.indptr), _ids(forward.indices)
                    case EdgeLayout.CSC:
                        return _ids(backward.indices), _ids(backward.indptr)
        if (head, name, tail) in _interaction_types(graph) and edge_attr.layout is EdgeLayout.COO:
            events = events_on(graph, name, tail)
            return _ids(events.users), _ids(events.items - graph.offsets[tail])
        return None

    def _put_edge_index(self, edge_index: object, edge_attr: EdgeAttr) -> bool:
        return False  # a snapshot does not change

    def _remove_edge_index(self, edge_attr: EdgeAttr) -> bool:
        return False


def _interaction_types(graph: KnowledgeGraph) -> list[EdgeType]:
    user = graph.schema.user_kinds[0]
    return [(user, table.kind, item) for table in graph.events for item in graph.schema.interactions[table.kind].items]


def _ids(column: NDArray) -> Tensor:
    return _tensor(column.astype(np.int64))


def _tensor(column: NDArray) -> Tensor:
    # A copy, since mapped arrays are read-only and tensors are writable.
    return torch.from_numpy(np.array(column))
