"""`Block`: the protocol of fitted encoders, whose scores are sums over the history's items.

A block scores item i for history H as ⟨p(H), q_i⟩ with p(H) = Σ_j w_j(H) z_j, w_j a function of the event's place, age,
kind and polarity, below 0 for a dislike, so `shares` splits each score exactly into the history items that caused it.
Learned parameters are separate from the catalogue that they are applied to: `from_state` applies them to any snapshot,
with items that are new to the block.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel

from encoders.search_space import SearchSpace
from encoders.settings import Settings
from kg.histories import Histories

if TYPE_CHECKING:
    from kg.graph import KnowledgeGraph


class Family(StrEnum):
    """The kind of data a block uses; `--only` and ablations name blocks by family or by name."""

    BEHAVIOR = "behavior"
    GRAPH = "graph"
    TEXT = "text"


class Input(StrEnum):
    """What a block may read beside the users' histories of items."""

    GRAPH = "graph"
    TEXT = "text"
    IMAGE = "image"
    TIMES = "times"


class NoSettings(Settings):
    """Settings of a block that has none."""


class ContentEncoder(Protocol):
    """What turns the contents of items, such as their texts, into vectors.

    `name`: of the content, as in `Catalogue.contents`. `digest`: of everything but the content that decides a vector.
    """

    name: str

    @property
    def digest(self) -> str: ...

    def encode(self, contents: Sequence[str], /) -> NDArray[np.float32]:
        """float32 [len(contents), d]; the zero vector for an empty one."""
        ...


@dataclass(frozen=True)
class Catalogue:
    """The items a block is applied to, dense indices 0 to n_items - 1.

    `trained` int32 [n_items]: each item's index in the catalogue that the block was fitted on, -1 for an item it has
    not seen. `graph` is the snapshot with facts and texts; `contents` by name ("text", "image"): the vectors of the
    items' content float32 [n_items, d], zero rows for items without; none where the model does not use it.
    """

    graph: KnowledgeGraph
    trained: NDArray[np.int32]
    contents: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    @property
    def n_items(self) -> int:
        return len(self.trained)


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a block is fitted on: the histories of users over the items of a catalogue.

    All items of the catalogue are trained items: `catalogue.trained` is 0 to n_items - 1.
    """

    histories: Histories
    catalogue: Catalogue

    @property
    def matrix(self) -> sp.csr_array:
        """Binary csr float32 [n_users, n_items]."""
        return self.histories.matrix()


@dataclass(frozen=True)
class TrainingSizes:
    """Sizes of what a model was trained on: items, and the length of the vectors of each of their contents."""

    n_items: int
    contents: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class BlockState:
    """A fitted block as plain data: arrays for a safetensors file and JSON-ready settings."""

    tensors: Mapping[str, NDArray]
    settings: Mapping[str, object]


def history_weights(weighed: sp.csr_array) -> NDArray[np.float32]:
    """Sum of the sizes of the weights in each history, float32 [n_users]."""
    sizes = np.abs(weighed.data)
    if weighed.shape[0] == 1:
        # Serving sums one history, for which a sum over rows takes as long as a block's scores.
        return sizes.sum(keepdims=True, dtype=np.float32)
    users = np.repeat(np.arange(weighed.shape[0]), np.diff(weighed.indptr))
    return np.bincount(users, sizes, minlength=weighed.shape[0]).astype(np.float32)


@runtime_checkable
class Block(Protocol):
    """A fitted encoder over one catalogue.

    `serves_new_items`: whether an item without any training interaction can get a score other than zero.
    """

    name: str
    family: Family
    serves_new_items: bool

    def scores(self, histories: Histories, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """Scores of candidates for a batch of histories, in this catalogue's item indices.

        candidates: item indices [n_candidates], None for all items.
        Returns float32 [n_users, n_candidates]. The target is NOT removed from its own history here: callers do that.
        """
        ...

    def shares(self, history: Histories, item: int) -> NDArray[np.float32]:
        """The exact split of one score over the items of one user's history.

        Returns float32, one number for each entry of `history.known()`; its sum is the score. A history without any
        event has nothing to split: its shares are empty, whatever score the block gives to it.
        """
        ...

    def state(self) -> BlockState:
        """The learned parameters, enough for `from_state` without data set or store."""
        ...

    @classmethod
    def from_state(cls, state: BlockState, catalogue: Catalogue) -> Self:
        """The block that `state` was taken from, bound to `catalogue`.

        A state may come from a stranger's file: every array and setting is checked (see `encoders.tensors`) before it
        is used. Raises StateUnreadable.
        """
        ...

    @classmethod
    def check_state(cls, state: BlockState, sizes: TrainingSizes) -> None:
        """Raise StateUnreadable where no block fitted on a catalogue of these sizes has such a state.

        These are all checks that need no catalogue, so that a file is refused when it is loaded.
        """
        ...


class FittedBlock(Block, Protocol):
    """A block class as the registry needs it: all that is known of an encoder stands on its class.

    `name` (lower case letters, digits and _) and `summary` (one line) are shown in settings files, `settings_type` is
    the class of its settings. `search_space`: what training may try on held-out events. `needs`: without one of
    these the block is left out of a model; `uses`: what it reads where it is there. `max_items`: items with
    interactions beyond which `fit` raises CatalogueTooLarge, None for no such limit. A class may state that it
    `refits`, see `refits`.
    """

    summary: ClassVar[str]
    settings_type: ClassVar[type[BaseModel]]
    search_space: ClassVar[SearchSpace]
    needs: ClassVar[frozenset[Input]]
    uses: ClassVar[frozenset[Input]]
    max_items: ClassVar[int | None]

    @classmethod
    def fit(cls, data: TrainingData, settings: BaseModel | None = None, *, seed: int = 0) -> Self:
        """Learn from histories and catalogue. settings: of the block's own class, None for its defaults."""
        ...


def refits(block_type: type) -> bool:
    """Whether an update fits a block again: its attribute `refits`, for a fit that is cheap and needs no torch.

    A block without it stays as it was trained, with items that came later as new items, until the next training.
    """
    return bool(getattr(block_type, "refits", False))


class WeighedHistories(ABC):
    """Base of blocks that work on a weighted history matrix: `history_matrix` says how much each event counts.

    Subclasses implement `scores_of` and `shares_of` for given weights.
    """

    summary: ClassVar[str] = ""
    settings_type: ClassVar[type[BaseModel]] = NoSettings
    search_space: ClassVar[SearchSpace] = MappingProxyType({})
    needs: ClassVar[frozenset[Input]] = frozenset()
    uses: ClassVar[frozenset[Input]] = frozenset()
    max_items: ClassVar[int | None] = None

    def history_matrix(self, histories: Histories) -> sp.csr_array:
        """w_j of all histories, csr float32 [n_users, n_items]: the values of their events."""
        return histories.weighed_matrix()

    def scores(self, histories: Histories, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """See `Block.scores`."""
        return self.scores_of(self.history_matrix(histories), candidates)

    def shares(self, history: Histories, item: int) -> NDArray[np.float32]:
        """See `Block.shares`."""
        row = self.history_matrix(history)
        return self.shares_of(row.indices.astype(np.intp), row.data, item)

    @abstractmethod
    def scores_of(self, weighed: sp.csr_array, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """`scores` for weights csr [n_users, n_items]."""

    @abstractmethod
    def shares_of(self, items: NDArray[np.intp], weights: NDArray[np.float32], item: int) -> NDArray[np.float32]:
        """`shares` for the history items and their weights, both [n_history]."""


@dataclass(frozen=True, eq=False)
class FactShares:
    """A graph block's score in (history item, fact) cells, for an item with n_facts facts.

    `nodes` int64 [n_facts]: global ids of the facts' other ends; `relations`: the name of each fact's relation, as in
    `ItemFacts`. `shares` float32 [n_history, n_facts]; `own` float32 [n_history]: the part that comes through no fact.
    `shares.sum() + own.sum()` is the score.
    """

    nodes: NDArray[np.int64]
    relations: tuple[str, ...]
    shares: NDArray[np.float32]
    own: NDArray[np.float32]


@runtime_checkable
class SplitsByFact(Protocol):
    """An optional ability of a graph `Block`: the split of a score into the item's own facts."""

    def fact_shares(self, history: Histories, item: int) -> FactShares:
        """The exact split of one score of one user; summed over facts and own part it is `Block.shares`."""
        ...
