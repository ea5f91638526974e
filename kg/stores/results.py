"""What a store can take back from a model: vectors of items, and recommendations. Not every store has this ability."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class KindVectors:
    """Vectors of the items of one kind: float32 [n, dimensions] as results, which are indexed, and as queries, NaN
    for an item that has none.
    """

    kind: str
    keys: Sequence[str]
    results: NDArray[np.float32]
    queries: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class UserList:
    """A user's recommendations, best first: (kind, key) of each item, and its score."""

    user: str
    items: Sequence[tuple[str, str]]
    scores: Sequence[float]


@dataclass(frozen=True, slots=True)
class ResultsReport:
    """How much was written; `missing`: items or users that the store did not have (any more), or that are no node of
    their own in a graph that somebody else owns."""

    nodes: int
    relationships: int
    missing: int


@runtime_checkable
class TakesResults(Protocol):
    """A store that vectors and recommendations can be written to. What it gives as a snapshot stays as it is."""

    def check_takes_results(self) -> None:
        """Raise StoreError where they may not be written, so that it is said before the work."""
        ...

    def write_vectors(
        self, vectors: Sequence[KindVectors], *, progress: Callable[[int], None] = lambda _: None
    ) -> ResultsReport:
        """Write the vectors of all items, in the place of any others, and index them. Until the last one is written
        there is no index, so nobody gets neighbours of two models; interrupted, it can be run again.
        """
        ...

    def write_recommendations(
        self,
        lists: Iterable[UserList],
        *,
        bundle: str,
        time: float,
        progress: Callable[[int], None] = lambda _: None,
    ) -> ResultsReport:
        """Write users' lists, each in the place of the user's former one, all or nothing of it. `bundle` names the
        model, `time` is in seconds since the epoch. Users that the store does not have are passed over.
        """
        ...
