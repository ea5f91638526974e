"""The other ends of a node's edges, relation by relation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kg.graph.snapshot import KnowledgeGraph
from kg.graph.tables import RelationTable


@dataclass(frozen=True, eq=False, slots=True)
class Neighbours:
    """Neighbours of a node in one relation and direction; `forward` where the node is the head.

    `rows` int32 [n] of the table of `kind`, in the order of the keys.
    """

    relation: RelationTable
    forward: bool
    kind: str
    rows: NDArray[np.int32]


def neighbours(graph: KnowledgeGraph, node: int) -> list[Neighbours]:
    """Neighbours of a node (global id) in each relation in which it has any, hidden ones included, by relation, forward
    first. Events are not relations: see `KnowledgeGraph.events_of`. Raises UnknownNode.
    """
    kind = graph.kind_of(node)
    row = node - graph.offsets[kind]
    listed = []
    for relation in graph.relations:
        for forward, near, far, table in (
            (True, relation.head_kind, relation.tail_kind, relation.forward),
            (False, relation.tail_kind, relation.head_kind, relation.backward),
        ):
            if near == kind and len(rows := table.row(row)):
                listed.append(Neighbours(relation, forward, far, rows))
    return listed
