"""`ItemFacts`: the facts of every item in one flat incidence, as encoders read the graph around items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from kg.graph.tables import Csr, RelationTable


@dataclass(frozen=True, eq=False)
class ItemFacts:
    """All facts of all items, sorted by item, then relation, then node.

    `indptr` int64 [n_items + 1]; `relations` int32 [n_facts] into `relation_names`; `nodes` int32 [n_facts], GLOBAL
    ids of the other end, which may be an item. A relation's name stands for the item at its head, "~name" for the
    item at its tail; an edge between two items is a fact of both, once under each name.
    """

    indptr: NDArray[np.int64]
    relations: NDArray[np.int32]
    nodes: NDArray[np.int32]
    relation_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.nodes)

    @property
    def n_items(self) -> int:
        return len(self.indptr) - 1

    def of(self, item: int) -> slice:
        """The places of the facts of one item in `relations` and `nodes`."""
        return slice(int(self.indptr[item]), int(self.indptr[item + 1]))

    def items(self) -> NDArray[np.int32]:
        """The item of every fact, int32 [n_facts]."""
        return np.repeat(np.arange(self.n_items, dtype=np.int32), np.diff(self.indptr))

    def degrees(self) -> NDArray[np.int64]:
        """Facts per item, int64 [n_items]."""
        return np.diff(self.indptr)

    def matrix(self, n_nodes: int) -> sp.csr_array:
        """Incidence of items and nodes over all relations, float32 [n_items, n_nodes]; several relations add up."""
        ones = np.ones(len(self), dtype=np.float32)
        # A copy: duplicates are added up in place, which would change the arrays of the facts.
        matrix = sp.csr_array((ones, self.nodes, self.indptr), shape=(self.n_items, n_nodes), copy=True)
        matrix.sum_duplicates()
        return matrix


def item_facts(
    relations: Sequence[RelationTable],
    offsets: Mapping[str, int],
    n_items: int,
    item_kinds: set[str],
    user_kinds: set[str],
) -> ItemFacts:
    """Flatten the relations around items; a relation with users at an end is no fact about an item and is left out.

    Item kinds must come first in the node space, so that an item's global id is its dense item index.
    """
    parts: list[tuple[str, Csr, int, int]] = []
    for relation in relations:
        if relation.head_kind in user_kinds or relation.tail_kind in user_kinds:
            continue
        heads, tails = offsets[relation.head_kind], offsets[relation.tail_kind]
        if relation.head_kind in item_kinds:
            parts.append((relation.name, relation.forward, heads, tails))
        if relation.tail_kind in item_kinds:
            parts.append((f"~{relation.name}", relation.backward, tails, heads))
    indptr = np.zeros(n_items + 1, dtype=np.int64)
    for _, edges, first, _ in parts:
        indptr[first + 1 : first + 1 + len(edges)] += edges.degrees()
    np.cumsum(indptr, out=indptr)
    codes, nodes = np.zeros(indptr[-1], dtype=np.int32), np.zeros(indptr[-1], dtype=np.int32)
    # Edges of a relation are in the order of facts already: those of an item are appended to its facts.
    free = indptr[:-1].copy()
    for code, (_, edges, first, others) in enumerate(parts):
        places, degrees = free[first : first + len(edges)], edges.degrees()
        at = np.repeat(places - edges.indptr[:-1], degrees) + np.arange(edges.n_edges)
        codes[at], nodes[at] = code, edges.indices + others
        places += degrees
    return ItemFacts(indptr, codes, nodes, tuple(name for name, *_ in parts))
