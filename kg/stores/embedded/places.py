"""Find the places of nodes in the arrays of a snapshot by their ids in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kg.stores.sqlite import DamagedContent


@dataclass(frozen=True, eq=False)
class Places:
    """Ids of nodes, int64 [n], ascending, and the place of each, int64 [n].

    By search, not by an array over all ids: a damaged id may be any number, and a missing one must be noticed.
    """

    ids: NDArray[np.int64]
    places: NDArray[np.int64]

    @classmethod
    def joined(cls, kinds: Sequence[tuple[Places, int]]) -> Places:
        """Combine several kinds, with the places of each counted from its start."""
        ids = np.concatenate([places.ids for places, _ in kinds])
        order = np.argsort(ids, kind="stable")
        return cls(ids[order], np.concatenate([places.places + start for places, start in kinds])[order])

    def of(self, ids: NDArray[np.int64], what: str) -> NDArray[np.int64]:
        """Places of nodes, int64 [k]. Raises DamagedContent for a missing one; `what` names it."""
        if not len(ids):
            return np.zeros(0, dtype=np.int64)
        at = np.searchsorted(self.ids, ids)
        if len(self.ids):
            at[at == len(self.ids)] = 0
        if not len(self.ids) or (self.ids[at] != ids).any():
            raise DamagedContent(f"the {what} is a node that is not there, or of another kind")
        return self.places[at]
