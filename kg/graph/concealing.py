"""Find entities that must not be printed or exported, because only hidden relations lead to them.

Otherwise the name of such a node would reveal what a hidden relation says about a person.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kg.graph.parts import GraphParts


def concealed_nodes(graph: GraphParts) -> NDArray[np.bool_]:
    """Mask [n_nodes] of the entities with an edge of a hidden relation and none of another; never items or users."""
    n_nodes = sum(len(table) for table in graph.tables.values())
    hidden, shown = (np.zeros(n_nodes, dtype=bool) for _ in range(2))
    for relation in graph.relations:
        touched = hidden if relation.hidden else shown
        touched[relation.heads.astype(np.int64) + graph.offsets[relation.head_kind]] = True
        touched[relation.tails.astype(np.int64) + graph.offsets[relation.tail_kind]] = True
    concealed = hidden & ~shown
    for kind in (*graph.schema.item_kinds, *graph.schema.user_kinds):
        concealed[graph.offsets[kind] : graph.offsets[kind] + len(graph.tables[kind])] = False
    return concealed
