"""`Transitions`: what follows what, as a linear model from the latest events to the next one, in closed form.

With x_t the window of a user's events before event t, each weighed by exp(-distance / decay), and y_t the event:
B = argmin Σ_t ‖y_t − Bᵀx_t‖² + λ‖B‖² = (XᵀX + λI)⁻¹ XᵀY, and score(H, i) = Σ_j w_j B[j, i]. This is SLIT of Choi et
al. ("Session-aware linear item-item models for session-based recommendation", WWW 2021) with a sliding window.
"""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from encoders.behavior.base import BehaviorSettings
from encoders.behavior.ease import MAX_ITEMS, active_items, regularized_factor
from encoders.behavior.item_item import ItemItemBlock
from encoders.block import Family, Input, TrainingData
from encoders.search_space import Between, SearchSpace
from kg.histories import Histories

_CHUNK = 200_000
"""Events whose windows are in memory together."""


class TransitionsSettings(BehaviorSettings):
    """Settings of `Transitions`."""

    window: int = Field(default=20, ge=1, le=200)
    """Number of events before an event that predict it."""

    decay: float = Field(default=8.0, gt=0, allow_inf_nan=False)
    """Number of events after which an event's weight in the window falls to 1/e."""

    regularization: float = Field(default=500.0, gt=0)
    """λ of the ridge regression."""


class Transitions(ItemItemBlock):
    """The block; its matrix is directed, with an empty diagonal."""

    name: str = "transitions"
    family: Family = Family.BEHAVIOR
    summary: ClassVar[str] = "What follows what, in closed form."
    settings_type = TransitionsSettings
    search_space: ClassVar[SearchSpace] = {
        "regularization": Between(1.0, 100_000.0, step=3.0),
        "window": Between(1, 150),
        "decay": Between(0.3, 300.0),
    }
    refits: ClassVar[bool] = True
    needs: ClassVar[frozenset[Input]] = frozenset({Input.TIMES})
    max_items: ClassVar[int | None] = MAX_ITEMS

    @classmethod
    def fit(cls, data: TrainingData, settings: BaseModel | None = None, *, seed: int = 0) -> Self:
        """Fit on the order of the histories. Raises CatalogueTooLarge beyond `MAX_ITEMS` items."""
        settings = TransitionsSettings.model_validate(settings or TransitionsSettings())
        n_items = data.histories.n_items
        active = active_items(data.matrix)
        weights = np.zeros((n_items, n_items), dtype=np.float32)
        if len(active):
            gram, cross = _moments(data.histories, active, settings)
            together = _enough_users(data.matrix, active, settings.min_users)
            gram *= together
            cross *= together
            factor = regularized_factor(gram.copy, settings.regularization, cls.name)
            learned = scipy.linalg.cho_solve(factor, cross, overwrite_b=True, check_finite=False)
            np.fill_diagonal(learned, 0.0)
            weights[np.ix_(active, active)] = learned
        return cls(weights, settings, data.catalogue.trained)


def _moments(
    histories: Histories, active: NDArray[np.int32], settings: TransitionsSettings
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """XᵀX and XᵀY, both [n_active, n_active]."""
    place = np.zeros(histories.n_items, dtype=np.int32)
    place[active] = np.arange(len(active))
    items = place[histories.items]
    starts = histories.offsets[:-1][histories.users]
    gram = np.zeros((len(active), len(active)), dtype=np.float32)
    cross = np.zeros_like(gram)
    distances = np.arange(1, settings.window + 1)
    decays = np.exp(-(distances - 1) / settings.decay).astype(np.float32)
    for first in range(0, len(items), _CHUNK):
        events = np.arange(first, min(first + _CHUNK, len(items)))
        before = events[:, None] - distances
        inside = before >= starts[events][:, None]
        shape = (len(events), len(active))
        offsets = np.concatenate([[0], np.cumsum(inside.sum(axis=1))])
        values = np.broadcast_to(decays, inside.shape)[inside]
        past: sp.csr_array = sp.csr_array((values, items[before[inside]], offsets), shape=shape)
        nexts: sp.csr_array = sp.csr_array(
            (np.ones(len(events), np.float32), items[events], np.arange(len(events) + 1)), shape=shape
        )
        gram += sp.csr_array(past.T @ past).toarray()
        cross += sp.csr_array(past.T @ nexts).toarray()
    return gram, cross


def _enough_users(matrix: sp.csr_array, active: NDArray[np.int32], min_users: int) -> NDArray[np.bool_]:
    """Pairs of active items that enough users have together, and the diagonal, [n_active, n_active]."""
    columns = sp.csr_array(matrix[:, active])
    enough = sp.csr_array(columns.T @ columns).toarray() >= min_users
    np.fill_diagonal(enough, True)
    return enough
