"""`HistoryWeights`: how much each event of a history counts for a block, by its place from the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from encoders.settings import Settings
from kg.histories import Histories


class HistoryWeights(Settings):
    """w_j = floor + (1 - floor) · exp(-place_j / places); 1 for the last event, all 1 where floor is 1.

    The weights depend on the history alone, so a block's score still splits exactly over its events.
    """

    floor: float = Field(default=1.0, ge=0, le=1)
    """Weight of an old event."""

    places: float = Field(default=8.0, gt=0, allow_inf_nan=False)
    """Number of events after which the rest falls to 1/e."""

    if TYPE_CHECKING:

        def __hash__(self) -> int: ...

    @property
    def is_even(self) -> bool:
        """Whether all events count the same."""
        return self.floor == 1.0

    def of(self, histories: Histories) -> Histories:
        """The same histories with the value of every event; all count the same where their order is not known."""
        if self.is_even or not histories.is_ordered:
            return histories
        decay = np.exp(-histories.places / self.places)
        return histories.weighed((self.floor + (1 - self.floor) * decay).astype(np.float32))
