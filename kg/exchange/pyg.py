"""Convert a snapshot to PyTorch Geometric's `HeteroData`.

It has only structure, the numeric fields that models may read, and the events; learned features are left to the
encoders.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch_geometric.data import HeteroData

from kg.graph import InteractionTable, KnowledgeGraph


def to_pyg(graph: KnowledgeGraph, *, inverse: bool = False, interactions: bool = True) -> HeteroData:
    """Nodes, relations and events as tensors over each kind's local indices.

    `data[kind].num_nodes`; `data[kind].node_id` int64 [n], global node ids; `data[kind].fields` float32 [n, k] of
    the numeric fields that the schema lets models read (NaN where missing) and `data[kind].field_names`, both only
    where there are any. `data[head, relation, tail].edge_index` int64 [2, n_edges]; with `inverse` also `data[tail,
    "~relation", head]`. With `interactions`, `data[user, kind, item_kind]` has `edge_index` and, float32/float64
    [n_events], `edge_weight` and `edge_time` (NaN where unknown) and the mask `positive`.
    """
    data = HeteroData()
    for kind in graph.kinds:
        table = graph.nodes(kind)
        start = graph.offsets[kind]
        data[kind].num_nodes = len(table)
        data[kind].node_id = torch.arange(start, start + len(table))
        numeric = numeric_fields(graph, kind)
        if numeric:
            data[kind].fields = torch.from_numpy(
                np.stack([numbers for _, numbers in numeric], axis=1).astype(np.float32)
            )
            data[kind].field_names = [name for name, _ in numeric]
    for relation in graph.relations:
        edges = torch.from_numpy(np.stack([relation.heads, relation.tails]).astype(np.int64))
        data[relation.head_kind, relation.name, relation.tail_kind].edge_index = edges
        if inverse:
            data[relation.tail_kind, f"~{relation.name}", relation.head_kind].edge_index = edges.flip(0)
    for events in graph.events if interactions else ():
        for item_kind in graph.schema.interactions[events.kind].items:
            start = graph.offsets[item_kind]
            selected = events_on(graph, events.kind, item_kind)
            edge = data[graph.schema.user_kinds[0], events.kind, item_kind]
            edge.edge_index = torch.from_numpy(np.stack([selected.users, selected.items - start]).astype(np.int64))
            edge.edge_weight = torch.from_numpy(selected.weights)
            edge.edge_time = torch.from_numpy(selected.times)
            edge.positive = torch.from_numpy(selected.positive)
    return data


def numeric_fields(graph: KnowledgeGraph, kind: str) -> list[tuple[str, NDArray[np.float64]]]:
    """Names and values of the numeric fields that models may read."""
    table = graph.nodes(kind)
    used = graph.schema.nodes[kind].used_fields
    return [(name, numbers) for name in used if (numbers := table.fields[name].numbers) is not None]


def events_on(graph: KnowledgeGraph, kind: str, item_kind: str) -> InteractionTable:
    """The events of an interaction on items of one kind."""
    events = next(table for table in graph.events if table.kind == kind)
    start = graph.offsets[item_kind]
    return events.take(np.flatnonzero((events.items >= start) & (events.items < start + len(graph.nodes(item_kind)))))
