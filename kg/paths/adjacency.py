"""`Adjacency`: the edges of every node in one array, in both directions, in the order of listed paths.

A node's edges are adjacent, so that one step of a search is one slice instead of a lookup in every relation's CSR.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kg.graph import KnowledgeGraph, UnknownNode


@dataclass(frozen=True)
class StepKind:
    """A relation, or an interaction, as paths use it: its name, the kinds at its ends, its words."""

    name: str
    label: str
    head_kinds: tuple[str, ...]
    tail_kinds: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Adjacency:
    """Edges of node v: `neighbours[indptr[v]:indptr[v + 1]]` over `codes`, sorted by code, then neighbour.

    `indptr` int64 [n_nodes + 1]; `neighbours` int32 [m], global ids; `codes` int16 [m], twice the index of the
    step's kind in `kinds`, plus 1 where the edge is walked from its tail to its head. An edge from a node to itself
    is listed once, forward.
    """

    kinds: tuple[StepKind, ...]
    indptr: NDArray[np.int64]
    neighbours: NDArray[np.int32]
    codes: NDArray[np.int16]

    def row(self, node: int) -> slice:
        """Slice of the edges of a node."""
        return slice(int(self.indptr[node]), int(self.indptr[node + 1]))

    def rows(self, nodes: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positions of all edges of several nodes, and for each edge the position of its node in `nodes`."""
        starts = self.indptr[nodes]
        counts = self.indptr[np.asarray(nodes) + 1] - starts
        owner = np.repeat(np.arange(len(nodes)), counts)
        before = np.cumsum(counts) - counts
        return np.arange(len(owner)) + (starts - before)[owner], owner


def adjacency(
    graph: KnowledgeGraph, *, relations: Collection[str] | None = None, interactions: bool = False, hidden: bool = False
) -> Adjacency:
    """Build the edges of the relations named (all if None; hidden ones only with `hidden`), and with `interactions`
    positive events.

    Several events of a user on an item are one edge. Raises UnknownNode for a relation that the graph does not have.
    """
    for name in relations or ():
        graph.relation(name)
    kinds: list[StepKind] = []
    heads: list[NDArray[np.int64]] = []
    tails: list[NDArray[np.int64]] = []
    for relation in graph.relations:
        if (relations is None or relation.name in relations) and (hidden or not relation.hidden):
            kinds.append(StepKind(relation.name, relation.label, (relation.head_kind,), (relation.tail_kind,)))
            heads.append(relation.heads.astype(np.int64) + graph.offsets[relation.head_kind])
            tails.append(relation.tails.astype(np.int64) + graph.offsets[relation.tail_kind])
    for events in graph.events if interactions else ():
        spec = graph.schema.interactions[events.kind]
        kinds.append(StepKind(events.kind, spec.label, (spec.user,), spec.items))
        users = events.users[events.positive].astype(np.int64) + graph.offsets[spec.user]
        pairs = np.unique(users * max(graph.n_nodes, 1) + events.items[events.positive])
        heads.append(pairs // max(graph.n_nodes, 1))
        tails.append(pairs % max(graph.n_nodes, 1))
    if len(kinds) > np.iinfo(np.int16).max // 2:
        raise UnknownNode(
            f"paths over {len(kinds):,} relations are too many; name at most {np.iinfo(np.int16).max // 2:,}"
        )
    none = np.zeros(0, dtype=np.int64)
    loops = [head == tail for head, tail in zip(heads, tails, strict=True)]
    owners = np.concatenate([none, *heads, *(tail[~loop] for tail, loop in zip(tails, loops, strict=True))])
    others = np.concatenate([none, *tails, *(head[~loop] for head, loop in zip(heads, loops, strict=True))])
    forward = [np.full(len(head), 2 * kind) for kind, head in enumerate(heads)]
    backward = [np.full(int(np.count_nonzero(~loop)), 2 * kind + 1) for kind, loop in enumerate(loops)]
    codes = np.concatenate([none, *forward, *backward])
    order = np.lexsort((others, codes, owners))
    indptr = np.zeros(graph.n_nodes + 1, dtype=np.int64)
    np.cumsum(np.bincount(owners, minlength=graph.n_nodes), out=indptr[1:])
    return Adjacency(tuple(kinds), indptr, others[order].astype(np.int32), codes[order].astype(np.int16))
