"""`Block`: what every fitted encoder gives to the fusion, a score that is a sum over the history's items.

A block scores item i for history H as ⟨p(H), q_i⟩ with p(H) = Σ_j w_j z_j, so `shares` splits each score exactly into
the history items that caused it. Learned parameters are separate from the catalogue that they are applied to: `rebind`
puts them over another snapshot, with items that the block never saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

if TYPE_CHECKING:
    from kg.graph import KnowledgeGraph


class Family(StrEnum):
    """What a block draws on; `--only` and ablations name blocks by family or by name."""

    BEHAVIOR = "behavior"
    GRAPH = "graph"
    TEXT = "text"


@dataclass(frozen=True)
class Catalogue:
    """The items a block is applied to, dense indices 0 to n_items - 1.

    `trained` int32 [n_items]: each item's index in the catalogue that the block was fitted on, -1 for an item it has
    not seen. `graph` is the snapshot with facts and texts; `text_vectors` float32 [n_items, d] are the items' text
    embeddings, None where the model uses no text.
    """

    graph: KnowledgeGraph
    trained: NDArray[np.int32]
    text_vectors: NDArray[np.float32] | None = None

    @property
    def n_items(self) -> int:
        return len(self.trained)


@dataclass(frozen=True)
class TrainingSizes:
    """Sizes of what a model was trained on: items, and length of their text vectors (None without)."""

    n_items: int
    text_dimension: int | None = None


@dataclass(frozen=True)
class BlockState:
    """A fitted block as plain data: arrays for a safetensors file and JSON-ready settings."""

    tensors: Mapping[str, NDArray]
    settings: Mapping[str, object]


def history_weights(histories: sp.csr_array) -> NDArray[np.float32]:
    """Sum of the weights in each history, float32 [n_users]."""
    if histories.shape[0] == 1:
        # One history is what serving asks for, and scipy's sum over rows takes as long as a block's scores for it.
        return histories.data.sum(keepdims=True, dtype=np.float32)
    return np.asarray(histories.sum(axis=1), dtype=np.float32).ravel()


@runtime_checkable
class Block(Protocol):
    """A fitted encoder over one catalogue.

    `serves_new_items`: whether an item without any training interaction can get a score other than zero.
    """

    name: str
    family: Family
    serves_new_items: bool

    def scores(self, histories: sp.csr_array, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """Scores of candidates for a batch of histories.

        histories: binary or weighted [n_users, n_items], rows are users, in this catalogue's item indices.
        candidates: item indices [n_candidates], None for all items.
        Returns float32 [n_users, n_candidates]. The target is NOT removed from its own history here: callers do that.
        """
        ...

    def shares(self, history: NDArray[np.intp], weights: NDArray[np.float32], item: int) -> NDArray[np.float32]:
        """The exact split of one score over the history's items: float32 [len(history)], its sum is the score.

        An empty history has nothing to split: its shares are empty, whatever score the block gives to it.
        """
        ...

    def rebind(self, catalogue: Catalogue) -> Self:
        """The same learned parameters over another catalogue (more, fewer or reordered items, changed facts)."""
        ...

    def state(self) -> BlockState:
        """The learned parameters, enough for `from_state` without data set or store."""
        ...

    @classmethod
    def from_state(cls, state: BlockState, catalogue: Catalogue) -> Self:
        """The block that `state` was taken from, bound to `catalogue`.

        A state may come from anybody's file: every array and setting is checked (see `encoders.tensors`) before it is
        used. Raises StateUnreadable.
        """
        ...

    @classmethod
    def check_state(cls, state: BlockState, sizes: TrainingSizes) -> None:
        """Raise StateUnreadable where no block fitted on a catalogue of these sizes has such a state.

        This is all that can be said of a state without a catalogue, so that a file is refused when it is loaded.
        """
        ...


@runtime_checkable
class LeaveOneOut(Protocol):
    """An optional ability of a `Block`: the score of every history item with that item taken out of its own history.

    Cross-fitting needs these for each training event. Asking `scores` once per event would cost a history per event; a
    block that can take one item out in closed form does it for all events of a batch at once.
    """

    def loo_scores(self, histories: sp.csr_array) -> NDArray[np.float32]:
        """float32 [histories.nnz], in the order of `histories.data`: the score of item i for history H without i.

        histories: as for `Block.scores`, without repeated entries. Learned parameters stay as they are; what is fitted
        on the same events has still seen them, so out-of-sample scores also need folds.
        """
        ...


@dataclass(frozen=True, eq=False)
class FactShares:
    """A graph block's score in (history item, fact) cells, for an item with n_facts facts.

    `nodes` int64 [n_facts]: global ids of the facts' other ends; `relations`: the name of each fact's relation, as in
    `ItemFacts`. `shares` float32 [n_history, n_facts]; `own` float32 [n_history]: what does not come through a fact.
    `shares.sum() + own.sum()` is the score.
    """

    nodes: NDArray[np.int64]
    relations: tuple[str, ...]
    shares: NDArray[np.float32]
    own: NDArray[np.float32]


@runtime_checkable
class SplitsByFact(Protocol):
    """An optional ability of a graph `Block`: the split of a score into the item's own facts."""

    def fact_shares(self, history: NDArray[np.intp], weights: NDArray[np.float32], item: int) -> FactShares:
        """The exact split of one score; summed over facts and own part it is `Block.shares`."""
        ...
