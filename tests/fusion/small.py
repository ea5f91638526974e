"""Settings that fit in a moment, and blocks with planted faults."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel

from encoders.block import BlockState, Catalogue, Family, TrainingData, TrainingSizes, WeighedHistories
from encoders.graph import GNNSettings, SharedSettings
from encoders.tensors import Tensors, check_fitted
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


class Memory(WeighedHistories):
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

    @classmethod
    def fit(cls, data: TrainingData, settings: BaseModel | None = None, *, seed: int = 0) -> Self:
        """See `FittedBlock.fit`."""
        return cls(data.matrix)

    def scores_of(self, weighed: sp.csr_array, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """See `WeighedHistories`."""
        alike = (weighed @ self._seen.T).toarray().argmax(axis=1)
        random = (weighed @ self._noise) / np.sqrt(np.maximum(weighed.sum(axis=1), 1))[:, None]
        found = self.SURE * self._seen[alike].toarray() + random
        return (found if candidates is None else found[:, candidates]).astype(np.float32)

    def shares_of(self, items: NDArray[np.intp], weights: NDArray[np.float32], item: int) -> NDArray[np.float32]:
        """See `WeighedHistories`; nothing is known of what did it, so each item did as much."""
        row = np.zeros((1, self._seen.shape[1]), dtype=np.float32)
        row[0, items] = weights
        score = self.scores_of(sp.csr_array(row))[0, item]
        return np.full(len(items), score / max(len(items), 1), dtype=np.float32)

    def state(self) -> BlockState:
        """See `Block.state`."""
        return BlockState({"seen": self._seen.toarray()}, {})

    @classmethod
    def from_state(cls, state: BlockState, catalogue: Catalogue) -> Self:
        """See `Block.from_state`; only over the catalogue that it was fitted on."""
        seen = _seen(state)
        assert np.array_equal(catalogue.trained, np.arange(seen.shape[1]))
        return cls(seen)

    @classmethod
    def check_state(cls, state: BlockState, sizes: TrainingSizes) -> None:
        """See `Block.check_state`."""
        check_fitted(_seen(state).shape[1], sizes.n_items)


def _seen(state: BlockState) -> sp.csr_array:
    return sp.csr_array(Tensors(state.tensors).numbers("seen", (None, None)))
