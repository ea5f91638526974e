"""`TakesResults`: a store that takes vectors of items and recommendations of a model. Not every store is one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class KindVectors:
    """Vectors of the items of one kind: float32 [n, dimensions] as results, which are indexed, and as queries; NaN for
    an item that has none.
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
    """How much was written; `missing`: items or users that the store no longer has, or that are not nodes in an
    external graph."""

    nodes: int
    relationships: int
    missing: int


@runtime_checkable
class TakesResults(Protocol):
    """A store that vectors and recommendations can be written to. Its snapshots do not change."""

    def check_takes_results(self) -> None:
        """Raise StoreError where they must not be written; call it before the work."""
        ...

    def write_vectors(
        self, vectors: Sequence[KindVectors], *, progress: Callable[[int], None] = lambda _: None
    ) -> ResultsReport:
        """Write the vectors of all items, replacing any others, and index them. Until the last one is written there is
        no index, so no query mixes two models; interrupted, it can be run again.
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
        """Write users' lists, each replacing the user's former one as a whole. `bundle` names the model, `time` is in
        seconds since the epoch. Users that the store does not have are skipped.
        """
        ...
