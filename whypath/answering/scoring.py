"""Lists for many users at once, over one snapshot and one model: the one place where scores become ranked ids.

The engine, the command line and the evaluation of a bundle all come through here, so that they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fusion.item_vectors import ItemVectors, item_vectors
from fusion.ranker import Ranker
from fusion.ranking import TopK, tie_break_keys, top_k
from fusion.score_split import ScoreSplit
from kg.graph import KnowledgeGraph
from kg.histories import Histories
from kg.paths import PathSearch
from whypath.models.bundle_record import using_bundle

_MANY_EVENTS = 1_000_000
_OLD_SHARE = 1e-3
"""Share of so many events that may be missing in the popularity that newcomers are given; of fewer events none."""

_BATCH_CELLS = 16_000_000
"""Scores held at a time: 64 MB in float32, a few times that while ranking."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Ranked lists of the users from `first` on; `popular` bool [n_users]: those without a history to go by."""

    first: int
    lists: TopK
    popular: NDArray[np.bool_]


@dataclass(eq=False)
class _Known:
    """What a scorer has computed when it was first asked for: `popularity` over `events` events."""

    paths: PathSearch | None = None
    popularity: NDArray[np.float32] | None = None
    events: int = 0


@dataclass(frozen=True, eq=False)
class Scorer:
    """A model bound to a snapshot; immutable, safe to use from many threads.

    `tie_break` uint64 [n_items] orders equal scores; `popularity_of` gives the blend float32 [n_items] for users
    without a history, asked for only when there is such a user.
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
        """A scorer for a ranker that was bound to this graph."""
        return cls(graph, ranker, tie_break_keys(graph.item_ids), popularity_of)

    def with_events(self, graph: KnowledgeGraph) -> Scorer:
        """The same over a snapshot with the same items and facts and other events; what depends on facts is kept."""
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
        """The popularity blend, float32 [n_items]; of many events some that came last may not be in it."""
        if self._known.popularity is None:
            self._known.popularity = self.popularity_of(self.graph)
            self._known.events = self.graph.n_events
        return self._known.popularity

    @property
    def paths(self) -> PathSearch:
        """Search over the relations that may be shown, without interactions."""
        if self._known.paths is None:
            self._known.paths = PathSearch(self.graph)
        return self._known.paths

    def scores(self, histories: Histories, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """Scores float32 [n_users, n_candidates]; users with an empty history get the popularity blend.

        Raises BundleError where the model gives numbers that are not finite.
        """
        with using_bundle():
            found = self.ranker.scores(histories, candidates)
        popular = histories.is_empty
        if popular.any():
            found[popular] = self.popularity if candidates is None else self.popularity[candidates]
        return found

    def split(self, history: Histories, item: int) -> ScoreSplit:
        """One score of one user taken apart, see `Ranker.split`. Raises BundleError as `scores` does."""
        with using_bundle():
            return self.ranker.split(history, item)

    def vectors(self, dimensions: int, progress: Callable[[str], None]) -> ItemVectors:
        """Vectors of all items, see `fusion.item_vectors`. Raises BundleError as `scores` does."""
        with using_bundle():
            return item_vectors(self.ranker, dimensions, progress=progress)

    def lists(
        self,
        histories: Histories,
        k: int,
        *,
        candidates: NDArray[np.intp] | None = None,
        excluded: sp.csr_array | None = None,
    ) -> Iterator[Batch]:
        """The k best candidates of each user, in batches of users.

        candidates: item indices, ascending, None for all. excluded: csr [n_users, n_items] of what is not to be
        listed; None for the histories themselves.
        The lists are min(k, n_items) wide.
        """
        excluded = histories.matrix() if excluded is None else excluded
        # No list is longer than the catalogue, however much is asked for: the arrays below are k wide.
        k = min(k, max(self.graph.n_items, 1))
        width = self.graph.n_items if candidates is None else len(candidates)
        tie_break = self.tie_break if candidates is None else self.tie_break[candidates]
        size = max(1, _BATCH_CELLS // max(width, 1))
        for first in range(0, len(histories), size):
            whole = size >= len(histories)
            rows = slice(first, min(first + size, len(histories)))
            part = histories if whole else histories.take(rows)
            if width:
                out = excluded if whole else sp.csr_array(excluded[rows])
                lists = top_k(
                    self.scores(part, candidates), k, tie_break=tie_break, excluded=out, candidates=candidates
                )
            else:
                shape = (len(part), k)
                lists = TopK(np.full(shape, -1, np.int32), np.full(shape, np.nan, np.float32))
            yield Batch(first, lists, part.is_empty)
