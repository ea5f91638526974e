"""The graph neural network: items and the nodes of their facts exchange messages; scores are linear in them.

With u_i = c_i + T x_i (collaborative part, zero for a new item, and text), a fact node e gets
    v_e = deg(e)^-½ · ( f_e + Σ_r a_r ⊙ mean of u_i over the items with fact (r, e) )
and an item    q_i = u_i + Σ_(r,e) exp(β_r) v_e,      z_j = C c_j + S x_j + Σ_(r,e) exp(γ_r) v_e,
score(H, i) = scale · ⟨ |H|^-ρ Σ_{j∈H} z_j , q_i ⟩. So an item is two hops away from the items that share an entity
with it, relations weigh differently on both sides, and a score splits exactly into (history item, fact) cells.
The messages are those of R-GCN (Schlichtkrull et al., arXiv 1703.06103) with diagonal maps, without nonlinearity
between hops as in LightGCN (He et al., arXiv 2002.02126).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Self, cast

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch_geometric import EdgeIndex

from encoders.graph.facts import FactGraph


@dataclass(frozen=True, eq=False)
class RelationNodes:
    """The pairs of a relation and a node that it leads to: one pass over them is linear in the facts, however many
    relations there are.

    relations, nodes int64 [n_pairs]; incidence: binary csr [n_items, n_pairs] of the items with the fact.
    """

    relations: NDArray[np.int64]
    nodes: NDArray[np.int64]
    incidence: sp.csr_array

    @classmethod
    def of(cls, facts: FactGraph) -> RelationNodes:
        """Collect them from the facts of all relations."""
        used = [np.unique(matrix.indices) for matrix in facts.incidence]
        columns = [matrix[:, nodes] for matrix, nodes in zip(facts.incidence, used, strict=True)]
        incidence = sp.csr_array(sp.hstack([sp.csr_array((facts.n_items, 0), dtype=np.float32), *columns]))
        relations = np.repeat(np.arange(len(used)), [len(nodes) for nodes in used])
        return cls(relations, np.concatenate([np.zeros(0, np.int64), *used]).astype(np.int64), incidence)


class GraphNetwork(nn.Module):
    """Parameters and messages; `item_vectors` runs over the whole graph at once."""

    text: Tensor | None
    norm: Tensor
    pair_relations: Tensor
    pair_nodes: Tensor
    pair_inverse: Tensor

    def __init__(self, facts: FactGraph, dimensions: int, initial: Tensor, text: Tensor | None, seed: int) -> None:
        """`initial`: the collaborative part to start from, [n_items, dimensions]; `text`: [n_items, d_text] or None.

        Made on the processor, so that a seed gives the same start on every device; `moved_to` moves it.
        """
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        relations = len(facts.incidence)
        pairs = RelationNodes.of(facts)
        self._to_pairs = edge_index(sp.csr_array(pairs.incidence.T))
        self._to_items = edge_index(pairs.incidence)
        self.register_buffer("pair_relations", torch.from_numpy(pairs.relations), persistent=False)
        self.register_buffer("pair_nodes", torch.from_numpy(pairs.nodes), persistent=False)
        # Mean over a relation's items: sums are divided by the node's degree within the relation.
        degrees = torch.from_numpy(pairs.incidence.sum(axis=0)).float().clamp(min=1)[:, None]
        self.register_buffer("pair_inverse", degrees.reciprocal(), persistent=False)
        self.register_buffer("text", text, persistent=False)
        self.register_buffer("norm", torch.from_numpy(facts.degrees).clamp(min=1).pow(-0.5)[:, None], persistent=False)
        self.collaborative = nn.Parameter(initial.clone())
        self.collaborative_history = nn.Linear(dimensions, dimensions, bias=False)
        nn.init.eye_(self.collaborative_history.weight)
        self.nodes = nn.Parameter(torch.randn(facts.n_nodes, dimensions, generator=generator) * 0.01)
        self.messages = nn.Parameter(torch.full((relations, dimensions), 0.5))
        # exp(-1.5): an item's own part outweighs a single fact at the start.
        self.item_relations = nn.Parameter(torch.full((relations,), -1.5))
        self.history_relations = nn.Parameter(torch.full((relations,), -1.5))
        self.length_exponent = nn.Parameter(torch.tensor(0.5))
        self.log_scale = nn.Parameter(torch.tensor(0.0))
        if text is not None:
            self.text_item = nn.Parameter(_uniform(text.shape[1], dimensions, generator))
            self.text_history = nn.Parameter(_uniform(text.shape[1], dimensions, generator))

    def moved_to(self, device: torch.device) -> Self:
        """Move the network and its graph to a device and return it."""
        self._to_items = cast(EdgeIndex, self._to_items.to(device))
        self._to_pairs = cast(EdgeIndex, self._to_pairs.to(device))
        return self.to(device)

    @property
    def scalars(self) -> list[nn.Parameter]:
        """Parameters without weight decay."""
        return [self.item_relations, self.history_relations, self.length_exponent, self.log_scale]

    def own_parts(self, keep: Tensor) -> tuple[Tensor, Tensor]:
        """u and the item's part of z, both [n_items, d]. keep: 1 for items whose collaborative part may be used, else
        0."""
        collaborative = self.collaborative * keep[:, None]
        item, history = collaborative, self.collaborative_history(collaborative)
        if self.text is not None:
            item = item + self.text @ self.text_item
            history = history + self.text @ self.text_history
        return item, history

    def node_vectors(self, item: Tensor, dropout: float = 0.0) -> Tensor:
        """v [n_nodes, d], degree normaliser included."""
        item = nn.functional.dropout(item, dropout, self.training)
        means = _messages(self._to_pairs, item) * self.pair_inverse
        reached = means * self.messages.index_select(0, self.pair_relations)
        return self.nodes.index_add(0, self.pair_nodes, reached) * self.norm

    def item_vectors(self, keep: Tensor, dropout: float = 0.0) -> tuple[Tensor, Tensor]:
        """(q, z), both [n_items, d]."""
        item, history = self.own_parts(keep)
        # `index_select`, as the gradient of indexing sorts the indices in every step.
        nodes = self.node_vectors(item, dropout).index_select(0, self.pair_nodes)
        weights = torch.stack([self.item_relations, self.history_relations]).exp().index_select(1, self.pair_relations)
        both = [nodes * of_pairs[:, None] for of_pairs in weights]
        reached = _messages(self._to_items, torch.cat(both, dim=1))
        return item + reached[:, : nodes.shape[1]], history + reached[:, nodes.shape[1] :]


def edge_index(matrix: sp.csr_array) -> EdgeIndex:
    """The incidence of one relation as a row-sorted `EdgeIndex` [n_rows, n_columns], its transpose cached."""
    coo = matrix.tocoo()
    indices = torch.from_numpy(np.stack([coo.row, coo.col]).astype(np.int64))
    _announce_sparse_quietly()
    # Pyright takes `EdgeIndex(…)` for the constructor of `Tensor`, which it extends by `__new__`.
    make = cast(Callable[..., EdgeIndex], EdgeIndex)
    return make(indices, sparse_size=matrix.shape, sort_order="row").fill_cache_()


@cache
def _announce_sparse_quietly() -> None:
    """Silence PyTorch's warning about the first sparse CSR tensor of a process: no user can act on it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse (CSR tensor support|invariant checks)", category=UserWarning)
        none = torch.zeros(2, dtype=torch.int64)
        torch.sparse_csr_tensor(none, none[:0], torch.zeros(0), (1, 1))


def _messages(index: EdgeIndex, x: Tensor) -> Tensor:
    """Sums of x [n_columns, d] over each row's edges, [n_rows, d]: one sparse product, its gradient another."""
    return cast(Tensor, index.matmul(x))


def _uniform(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    return (torch.rand(rows, columns, generator=generator) * 2 - 1) / rows**0.5
