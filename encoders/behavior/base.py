"""Base classes of the behaviour encoders: their settings, checks of a history matrix, the map between catalogues."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from encoders.block import BlockState, Catalogue, Family, TrainingData, TrainingSizes, WeighedHistories
from encoders.settings import Settings
from encoders.tensors import Tensors, check_fitted, check_trained, settings_of
from kg.errors import WhyPathError
from kg.histories import Histories


class CatalogueTooLarge(WhyPathError):
    """The catalogue is too large for this encoder; the message names one that accepts it."""


class BehaviorSettings(Settings):
    """Base of the behaviour encoders' settings."""

    min_users: int = Field(default=1, ge=1)
    """Pairs of items that fewer users have together count as pairs that no user has, where a method uses pairs; counts
    of users are rounded to steps. 1: everything counts, exactly. See `encoders.behavior.rare`."""


class HistoryBlock(WeighedHistories):
    """A `Block` whose items are known by their interactions only.

    Subclasses keep their learned arrays in the fitted catalogue's order and implement the private methods below; this
    class maps histories and candidates of the bound catalogue to it. Items that the block has not seen add nothing to a
    history and score zero.
    """

    name: str
    family: Family
    serves_new_items: bool = False
    settings_type: ClassVar[type[BehaviorSettings]]  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, settings: BehaviorSettings, trained: NDArray[np.int32]) -> None:
        self.settings = settings
        self._trained = np.asarray(trained, dtype=np.int32)
        self._known = np.flatnonzero(self._trained >= 0)

    @abstractmethod
    def _scores(self, histories: sp.csr_array, columns: NDArray[np.intp]) -> NDArray[np.float32]:
        """Scores [n_users, len(columns)]; histories and columns are in fitted indices."""

    @abstractmethod
    def _shares(self, history: NDArray[np.intp], weights: NDArray[np.float32], item: int) -> NDArray[np.float32]:
        """`shares_of` in fitted indices, all of them known."""

    @abstractmethod
    def _tensors(self) -> dict[str, NDArray]:
        """The learned arrays, in fitted order."""

    @classmethod
    @abstractmethod
    def _from_tensors(cls, tensors: Tensors, settings: BehaviorSettings, trained: NDArray[np.int32]) -> Self:
        """The block with these learned arrays, bound to `trained`. Raises StateUnreadable."""

    @property
    @abstractmethod
    def n_fitted(self) -> int:
        """Number of items of the catalogue that the block was fitted on."""

    @property
    def n_items(self) -> int:
        """Number of items of the catalogue that the block is bound to."""
        return len(self._trained)

    @cached_property
    def _is_as_fitted(self) -> bool:
        """Whether the bound catalogue has the fitted items in the fitted order."""
        return np.array_equal(self._trained, np.arange(self.n_fitted))

    def scores_of(self, weighed: sp.csr_array, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """See `WeighedHistories`."""
        inside = self._inside(weighed)
        targets = self._trained if candidates is None else self._trained[np.asarray(candidates, dtype=np.intp)]
        known = np.flatnonzero(targets >= 0)
        columns = targets[known].astype(np.intp)
        trained_scores = self._scores(inside, columns)
        if len(known) == len(targets):
            return trained_scores
        scores = np.zeros((weighed.shape[0], len(targets)), dtype=np.float32)
        scores[:, known] = trained_scores
        return scores

    def shares_of(self, items: NDArray[np.intp], weights: NDArray[np.float32], item: int) -> NDArray[np.float32]:
        """See `WeighedHistories`."""
        shares = np.zeros(len(items), dtype=np.float32)
        target = int(self._trained[item])
        inside = self._trained[np.asarray(items, dtype=np.intp)]
        known = np.flatnonzero(inside >= 0)
        if target < 0 or not len(known):
            return shares
        shares[known] = self._shares(inside[known].astype(np.intp), np.asarray(weights, np.float32)[known], target)
        return shares

    def state(self) -> BlockState:
        """See `Block.state`."""
        return BlockState(self._tensors(), self.settings.model_dump(mode="json"))

    @classmethod
    def from_state(cls, state: BlockState, catalogue: Catalogue) -> Self:
        """See `Block.from_state`."""
        block = cls._restored(state, catalogue.trained)
        check_trained(catalogue.trained, block.n_fitted)
        return block

    @classmethod
    def check_state(cls, state: BlockState, sizes: TrainingSizes) -> None:
        """See `Block.check_state`."""
        check_fitted(cls._restored(state, np.zeros(0, np.int32)).n_fitted, sizes.n_items)

    @classmethod
    def _restored(cls, state: BlockState, trained: NDArray[np.int32]) -> Self:
        settings = settings_of(cls.settings_type, dict(state.settings))
        return cls._from_tensors(Tensors(state.tensors), settings, trained)

    def _inside(self, weighed: sp.csr_array) -> sp.csr_array:
        """Histories in fitted indices; the order inside a row is kept."""
        if weighed.shape[1] != self.n_items:
            raise ValueError(f"histories have {weighed.shape[1]} items, the block is bound to {self.n_items}")
        if self._is_as_fitted:
            return weighed
        columns = self._trained[weighed.indices]
        shape = (weighed.shape[0], self.n_fitted)
        if len(self._known) == self.n_items:
            return sp.csr_array((weighed.data, columns, weighed.indptr), shape=shape)
        kept = columns >= 0
        before = np.concatenate([[0], np.cumsum(kept)])
        return sp.csr_array((weighed.data[kept], columns[kept], before[weighed.indptr]), shape=shape)


class BehaviorBlock(HistoryBlock):
    """A block learned from the history matrix alone, by the subclass's `_learned`."""

    family: Family = Family.BEHAVIOR

    @classmethod
    def fit(cls, data: TrainingData, settings: BaseModel | None = None, *, seed: int = 0) -> Self:
        """See `learn`; the catalogue is not used."""
        return cls.learn(data.histories, settings, seed=seed)

    @classmethod
    def learn(cls, histories: Histories, settings: BaseModel | None = None, *, seed: int = 0) -> Self:
        """Learn from histories alone.

        settings: an instance of `settings_type`, its defaults if None. seed: used only where the method draws numbers.
        Raises CatalogueTooLarge where the method cannot hold so many items.
        """
        checked = cls.settings_type.model_validate(settings or cls.settings_type())
        learned = cls._learned(histories.matrix(), checked, np.random.default_rng(seed))
        return cls._from_tensors(Tensors(learned), checked, np.arange(histories.n_items, dtype=np.int32))

    @classmethod
    @abstractmethod
    def _learned(cls, seen: sp.csr_array, settings: BehaviorSettings, rng: np.random.Generator) -> dict[str, NDArray]:
        """The learned arrays, as `_tensors` has them; `seen` is binary, settings are of `settings_type`."""
