"""Settings that fit in a moment, and blocks with planted faults."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel

from encoders.block import Block, BlockState, Catalogue, Family, TrainingSizes
from encoders.graph import GNNSettings, SharedSettings
from encoders.tensors import Tensors, check_fitted
from fusion.encoders import ENCODERS, Encoder
from fusion.settings import BlockSettings, CrossFitSettings, FusionSettings, GateSettings

SMALL = FusionSettings(
    blocks=("ease", "shared"),
    block=BlockSettings(gnn=GNNSettings(dimensions=8, steps=20), shared=SharedSettings(steps=20)),
    crossfit=CrossFitSettings(folds=2),
    # Every block stays, however little it says.
    gates=GateSettings(least_share=0),
)


def with_blocks(*names: str) -> FusionSettings:
    """`SMALL` with other blocks."""
    return SMALL.model_copy(update={"blocks": names})


class Memory:
    """Finds the training user whose history is most like the one given and returns all that this user had: perfect on
    what it was fitted on. Everything else it scores at random.
    """

    name: str = "memory"
    family: Family = Family.BEHAVIOR
    serves_new_items: bool = False
    SURE: ClassVar[float] = 5.0
    """Score of what it remembers, in units of the spread of the rest."""

    def __init__(self, seen: sp.csr_array) -> None:
        self._seen = seen
        self._noise = np.random.default_rng(7).normal(size=(seen.shape[1], seen.shape[1])).astype(np.float32)

    def scores(self, histories: sp.csr_array, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """See `Block.scores`."""
        alike = (histories @ self._seen.T).toarray().argmax(axis=1)
        random = (histories @ self._noise) / np.sqrt(np.maximum(histories.sum(axis=1), 1))[:, None]
        found = self.SURE * self._seen[alike].toarray() + random
        return (found if candidates is None else found[:, candidates]).astype(np.float32)

    def shares(self, history: NDArray[np.intp], weights: NDArray[np.float32], item: int) -> NDArray[np.float32]:
        """See `Block.shares`; nothing is known of what did it, so each item did as much."""
        row = np.zeros((1, self._seen.shape[1]), dtype=np.float32)
        row[0, history] = weights
        score = self.scores(sp.csr_array(row))[0, item]
        return np.full(len(history), score / max(len(history), 1), dtype=np.float32)

    def rebind(self, catalogue: Catalogue) -> Self:
        """See `Block.rebind`; only to the catalogue that it was fitted on."""
        assert np.array_equal(catalogue.trained, np.arange(self._seen.shape[1]))
        return self

    def state(self) -> BlockState:
        """See `Block.state`."""
        return BlockState({"seen": self._seen.toarray()}, {})

    @classmethod
    def from_state(cls, state: BlockState, catalogue: Catalogue) -> Self:
        """See `Block.from_state`."""
        return cls(_seen(state)).rebind(catalogue)

    @classmethod
    def check_state(cls, state: BlockState, sizes: TrainingSizes) -> None:
        """See `Block.check_state`."""
        check_fitted(_seen(state).shape[1], sizes.n_items)


def _seen(state: BlockState) -> sp.csr_array:
    return sp.csr_array(Tensors(state.tensors).numbers("seen", (None, None)))


def fit_memory(matrix: sp.csr_array, catalogue: Catalogue, settings: BaseModel | None, *, seed: int) -> Block:
    """See `FitBlock`."""
    return Memory(matrix)


WITH_MEMORY: Mapping[str, Encoder] = MappingProxyType(
    {**ENCODERS, "memory": Encoder("memory", Family.BEHAVIOR, fit_memory, Memory.from_state, Memory.check_state)}
)
"""The encoders and `Memory`."""
