"""`ItemFacts`: the facts of every item in one flat incidence, the form in which encoders read the graph around
items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from kg.graph.tables import RelationTable


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
        """Where the facts of one item stand in `relations` and `nodes`."""
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
        # A copy: adding up duplicates works in place, on arrays that would else be the facts' own.
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
    """Flatten the relations around items; a relation that has users at an end says nothing about an item and is left
    out.

    Item kinds must come first in the node space, so that an item's global id is its dense item index.
    """
    names: list[str] = []
    items: list[NDArray[np.int64]] = []
    codes: list[NDArray[np.int32]] = []
    nodes: list[NDArray[np.int64]] = []

    def add(name: str, ends: NDArray[np.int64], others: NDArray[np.int64]) -> None:
        names.append(name)
        items.append(ends)
        codes.append(np.full(len(ends), len(names) - 1, dtype=np.int32))
        nodes.append(others)

    for relation in relations:
        if relation.head_kind in user_kinds or relation.tail_kind in user_kinds:
            continue
        heads = relation.heads.astype(np.int64) + offsets[relation.head_kind]
        tails = relation.tails.astype(np.int64) + offsets[relation.tail_kind]
        if relation.head_kind in item_kinds:
            add(relation.name, heads, tails)
        if relation.tail_kind in item_kinds:
            add(f"~{relation.name}", tails, heads)
    if not names:
        empty = np.zeros(0, dtype=np.int32)
        return ItemFacts(np.zeros(n_items + 1, dtype=np.int64), empty, empty, ())
    all_items, all_codes, all_nodes = np.concatenate(items), np.concatenate(codes), np.concatenate(nodes)
    order = np.lexsort((all_nodes, all_codes, all_items))
    indptr = np.zeros(n_items + 1, dtype=np.int64)
    np.cumsum(np.bincount(all_items, minlength=n_items), out=indptr[1:])
    return ItemFacts(indptr, all_codes[order], all_nodes[order].astype(np.int32), tuple(names))
