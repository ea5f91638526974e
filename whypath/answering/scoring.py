"""`Scorer`: one model over one snapshot: scores, lists, splits, and values that are computed once for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fusion.item_vectors import ItemVectors, item_vectors
from fusion.lists import ranked_lists
from fusion.ranker import Ranker
from fusion.ranking import TopK, tie_break_keys
from fusion.score_split import ScoreSplit
from kg.graph import KnowledgeGraph
from kg.histories import Histories
from kg.paths import PathSearch
from whypath.models.bundle_record import using_bundle

_MANY_EVENTS = 1_000_000
_OLD_SHARE = 1e-3
"""Share of at least so many events that may be missing in the popularity for new users; of fewer events, none."""


@dataclass(eq=False)
class _Known:
    """Values that a scorer computes at first use: `popularity` over `events` events."""

    paths: PathSearch | None = None
    popularity: NDArray[np.float32] | None = None
    events: int = 0


@dataclass(frozen=True, eq=False)
class Scorer:
    """A model bound to a snapshot; immutable, safe to use from many threads.

    `tie_break` uint64 [n_items] orders equal scores; `popularity_of` gives the blend float32 [n_items] for users
    without a history, called only if there is such a user.
    """

    graph: KnowledgeGraph
    ranker: Ranker
    tie_break: NDArray[np.uint64]
    popularity_of: Callable[[KnowledgeGraph], NDArray[np.float32]]
    _known: _Known = field(default_factory=_Known, init=False, repr=False)

    @classmethod
    def over(
        cls, graph: KnowledgeGraph, ranker: Ranker, popularity_of: Callable[[KnowledgeGraph], NDArray[np.float32]]
    ) -> Scorer:
        """Make a scorer for a ranker that was bound to this graph."""
        return cls(graph, ranker, tie_break_keys(graph.item_ids), popularity_of)

    def with_events(self, graph: KnowledgeGraph) -> Scorer:
        """The same over a snapshot with the same facts and other events; values that depend on facts are kept."""
        scorer = replace(self, graph=graph)
        known = self._known
        if known.paths is not None and graph.relations is self.graph.relations:
            scorer._known.paths = known.paths
        missing = graph.n_events - known.events
        if known.popularity is not None and graph.n_events >= _MANY_EVENTS and missing <= _OLD_SHARE * graph.n_events:
            scorer._known.popularity, scorer._known.events = known.popularity, known.events
        return scorer

    @property
    def popularity(self) -> NDArray[np.float32]:
        """The popularity blend, float32 [n_items]; of many events, some of the latest may be missing."""
        if self._known.popularity is None:
            self._known.popularity = self.popularity_of(self.graph)
            self._known.events = self.graph.n_events
        return self._known.popularity

    @property
    def paths(self) -> PathSearch:
        """A path search over the relations that may be shown, without interactions."""
        if self._known.paths is None:
            self._known.paths = PathSearch(self.graph)
        return self._known.paths

    def scores(self, histories: Histories, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """Compute scores float32 [n_users, n_candidates]; users without a like get the popularity blend, less what
        their dislikes count against items.

        Raises BundleError if the model gives numbers that are not finite.
        """
        with using_bundle():
            found = self.ranker.scores(histories, candidates)
            popular = histories.is_empty
            if popular.any():
                found[popular] = self.popularity if candidates is None else self.popularity[candidates]
            disliking = popular & histories.has_dislikes
            if disliking.any():
                found[disliking] *= self.popularity_unit
                found[disliking] += self.ranker.unbiased.scores(histories.take(disliking), candidates)
        return found

    @property
    def popularity_unit(self) -> np.float32:
        """The factor of the popularity where dislikes count beside it: it then has the spread of a block's scores."""
        spread = self.popularity.std()
        return np.float32(1 / spread if spread > 0 else 1)

    @property
    def alike(self) -> Scorer:
        """The same for likeness of items, see `Ranker.alike`."""
        return replace(self, ranker=self.ranker.alike)

    def split(self, history: Histories, item: int) -> ScoreSplit:
        """Split one score of one user, see `Ranker.split`; that of a user without a like is split without the
        popularity blend. Raises BundleError as `scores` does.
        """
        with using_bundle():
            ranker = self.ranker.unbiased if history.is_empty[0] else self.ranker
            return ranker.split(history, item)

    def vectors(self, dimensions: int, progress: Callable[[str], None]) -> ItemVectors:
        """Compute vectors of all items, see `fusion.item_vectors`. Raises BundleError as `scores` does."""
        with using_bundle():
            return item_vectors(self.ranker, dimensions, progress=progress)

    def lists(
        self,
        histories: Histories,
        k: int,
        *,
        candidates: NDArray[np.intp] | None = None,
        excluded: sp.csr_array | None = None,
    ) -> Iterator[TopK]:
        """Yield the k best candidates of each user, in batches of consecutive users, k places each.

        candidates: item indices, ascending, None for all. excluded: csr [n_users, n_items] of items that are not to be
        listed; None for the histories themselves.
        """
        excluded = histories.known() if excluded is None else excluded
        return ranked_lists(self, histories, k, tie_break=self.tie_break, excluded=excluded, candidates=candidates)
