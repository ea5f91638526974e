"""`FactGraph`: the facts of items as sparse matrices, over which the graph encoders pass messages.

Fact nodes are the other ends of the items' facts: entities, or other items. They are numbered densely here; `keys`
names them permanently, so that learned vectors find their node again in another snapshot.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from kg.graph import ItemFacts, KnowledgeGraph


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
        """Collect the facts of all items of a snapshot, once for all blocks."""
        facts = graph.item_facts()
        if facts not in _COLLECTED:
            _COLLECTED[facts] = cls._collected(graph, facts)
        return _COLLECTED[facts]

    @classmethod
    def _collected(cls, graph: KnowledgeGraph, facts: ItemFacts) -> FactGraph:
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
            _keys(graph, nodes),
        )

    @property
    def n_nodes(self) -> int:
        return len(self.nodes)

    def counts(self) -> NDArray[np.float32]:
        """Facts per item and relation, float32 [n_items, n_relations]."""
        columns = [np.diff(matrix.indptr) for matrix in self.incidence]
        return np.stack(columns, axis=1).astype(np.float32) if columns else np.zeros((self.n_items, 0), np.float32)


_COLLECTED: WeakKeyDictionary[ItemFacts, FactGraph] = WeakKeyDictionary()
"""Fact graphs by the facts that they were collected from, for as long as a snapshot holds those."""


def _keys(graph: KnowledgeGraph, nodes: NDArray[np.integer]) -> tuple[str, ...]:
    """ "kind\\tkey" of nodes sorted by global id."""
    kinds = sorted(graph.kinds, key=graph.offsets.__getitem__)
    starts = np.searchsorted(nodes, [graph.offsets[kind] for kind in kinds])
    keys: list[str] = []
    for kind, of_kind in zip(kinds, np.split(nodes, starts[1:]), strict=True):
        if len(of_kind):
            keys += [f"{kind}\t{key}" for key in graph.nodes(kind).keys.take(of_kind - graph.offsets[kind])]
    return tuple(keys)


def _binary(rows: NDArray[np.integer], columns: NDArray[np.integer], shape: tuple[int, int]) -> sp.csr_array:
    matrix = sp.csr_array((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix
