"""`Interactions`: users' events on items as columns over dense indices, the form that models learn from.

Users here are rows of this table only. No model keeps a user table: users are functions of their histories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from kg.histories import Histories


@dataclass(frozen=True)
class Interactions:
    """Interactions of one polarity, likes unless another is named, as columns, all of length n_events.

    `users` int32 indices into `user_ids`; `items` int32 dense item indices of the `KnowledgeGraph` they go with (0 to
    n_items - 1); `weights` float32 or None; `times` float64 seconds since the epoch or None (NaN where unknown);
    `kinds` int16 indices into `kind_names`, or None.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    user_ids: Sequence[str]
    n_items: int
    weights: NDArray[np.float32] | None = None
    times: NDArray[np.float64] | None = None
    kinds: NDArray[np.int16] | None = None
    kind_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.users) != len(self.items):
            raise ValueError(f"users and items differ in length: {len(self.users)} and {len(self.items)}")

    def __len__(self) -> int:
        return len(self.users)

    @property
    def n_users(self) -> int:
        return len(self.user_ids)

    def matrix(self) -> sp.csr_array:
        """Binary history matrix, float32 [n_users, n_items]; repeated (user, item) pairs count once."""
        ones = np.ones(len(self.users), dtype=np.float32)
        matrix = sp.csr_array((ones, (self.users, self.items)), shape=(self.n_users, self.n_items))
        matrix.sum_duplicates()
        matrix.data[:] = 1.0
        return matrix

    def histories(self) -> Histories:
        """The events of all users, each user's sorted by time (unknown last), those of one time by `tie_order`.

        Ids and load order often follow popularity (MovieLens's do), so neither may decide which of several events of
        one time is the last. Without times events are sorted by item, and the histories are not ordered.
        """
        if self.times is None:
            order = np.lexsort((self.items, self.users))
        else:
            order = np.lexsort((self.items, tie_order(self.items), self.times, self.users))
        offsets = np.concatenate([[0], np.cumsum(np.bincount(self.users, minlength=self.n_users))]).astype(np.int64)
        return Histories(
            offsets,
            self.items[order],
            self.n_items,
            None if self.times is None else self.times[order],
            None if self.weights is None else self.weights[order],
            None if self.kinds is None else self.kinds[order],
            self.kind_names,
            is_ordered=self.times is not None,
        )

    def of_users(self, user_ids: Sequence[str]) -> Interactions:
        """The events of these users, whose rows are in this order."""
        place = {user: row for row, user in enumerate(user_ids)}
        rows = np.array([place.get(user, -1) for user in self.user_ids], dtype=np.int32)
        kept = self.take(rows[self.users] >= 0)
        return replace(kept, users=rows[kept.users], user_ids=user_ids)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Interactions:
        """The same users with only the given events (positions or a mask)."""
        return Interactions(
            self.users[rows],
            self.items[rows],
            self.user_ids,
            self.n_items,
            None if self.weights is None else self.weights[rows],
            None if self.times is None else self.times[rows],
            None if self.kinds is None else self.kinds[rows],
            self.kind_names,
        )


def tie_order(items: NDArray[np.int32]) -> NDArray[np.uint64]:
    """A fixed hash of each item's index (the finaliser of MurmurHash3): the order of events of one time."""
    keys = items.astype(np.uint64)
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        keys = (keys ^ (keys >> np.uint64(33))) * np.uint64(factor)
    return keys ^ (keys >> np.uint64(33))
