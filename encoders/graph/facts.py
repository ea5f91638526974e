"""`FactGraph`: the facts around items as sparse matrices, the form in which the graph encoders pass messages.

Fact nodes are whatever stands at the other end of an item's fact: entities, or other items. They are numbered densely
here; `keys` names them for good, so that learned vectors find their node again in another snapshot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from kg.graph import KnowledgeGraph


@dataclass(frozen=True, eq=False)
class FactGraph:
    """Facts of n_items items on n_nodes fact nodes.

    `relation_names` as in `ItemFacts`; for every relation `incidence` has a binary csr [n_items, n_nodes]. `degrees`
    float32 [n_nodes]: number of distinct items with a fact on the node. `keys`: "kind\\tkey" of every fact node, sorted
    by global id. `nodes` int64 [n_nodes]: their global ids in the snapshot.
    """

    n_items: int
    relation_names: tuple[str, ...]
    incidence: tuple[sp.csr_array, ...]
    degrees: NDArray[np.float32]
    nodes: NDArray[np.int64]
    keys: tuple[str, ...]

    @classmethod
    def of(cls, graph: KnowledgeGraph) -> FactGraph:
        """Collect the facts of all items of a snapshot."""
        facts = graph.item_facts()
        nodes, local = np.unique(facts.nodes, return_inverse=True)
        items = facts.items()
        shape = (graph.n_items, len(nodes))
        names: list[str] = []
        incidence: list[sp.csr_array] = []
        for code, name in enumerate(facts.relation_names):
            rows = facts.relations == code
            if rows.any():
                names.append(name)
                incidence.append(_binary(items[rows], local[rows], shape))
        distinct = _binary(items, local, shape)
        degrees = np.bincount(distinct.indices, minlength=len(nodes)).astype(np.float32)
        return cls(
            graph.n_items,
            tuple(names),
            tuple(incidence),
            degrees,
            nodes.astype(np.int64),
            tuple("\t".join(graph.node_of(int(node))[:2]) for node in nodes),
        )

    @property
    def n_nodes(self) -> int:
        return len(self.nodes)

    def counts(self) -> NDArray[np.float32]:
        """Facts per item and relation, float32 [n_items, n_relations]."""
        columns = [np.diff(matrix.indptr) for matrix in self.incidence]
        return np.stack(columns, axis=1).astype(np.float32) if columns else np.zeros((self.n_items, 0), np.float32)


def _binary(rows: NDArray[np.integer], columns: NDArray[np.integer], shape: tuple[int, int]) -> sp.csr_array:
    matrix = sp.csr_array((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix
