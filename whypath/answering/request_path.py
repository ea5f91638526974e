"""The path of every request: query → candidates → scores → stages → answer.

Lists for one user and for many, files, exports and the evaluation of a bundle all use it, so that they cannot
disagree. The loop over batches of users is in `fusion.lists`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fusion.lists import no_lists
from fusion.ranking import TopK
from kg.errors import WhyPathError
from whypath.answering.behaviour import Behaviour, behaviour_of
from whypath.answering.explaining import explain_score
from whypath.answering.filters import Allowed
from whypath.answering.query import Query
from whypath.answering.results import Basis, Explanation, RankedItem, Recommendations, StageShare
from whypath.answering.scoring import Scorer
from whypath.answering.stages import Candidates, Stage, StageError, stage_changes, staged


class RetrieverError(WhyPathError):
    """A retriever gave items that the filters of a query do not allow."""


class Retriever(Protocol):
    """Chooses the candidates of a query."""

    def retrieve(self, query: Query, behaviour: Behaviour, scorer: Scorer) -> Allowed:
        """The candidates for each of the users, only items that the query's filters allow. Raises FilterError."""
        ...


class Exact:
    """All items that the filters allow."""

    def retrieve(self, query: Query, behaviour: Behaviour, scorer: Scorer) -> Allowed:
        """See `Retriever`."""
        return query.filters.apply(scorer.graph)


@dataclass(frozen=True, eq=False)
class RequestPath:
    """Answers from one state of store and model; immutable, safe to use from many threads.

    Every answer has the `note` about that state, and, if the store does not answer, `stale_since`.
    """

    scorer: Scorer
    stages: tuple[Stage, ...] = ()
    retriever: Retriever = field(default_factory=Exact)
    note: str = ""
    stale_since: str | None = None

    def recommend(self, query: Query) -> Recommendations:
        """Answer one query. Raises FilterError, BadId, StageError."""
        return next(self.answers(query, behaviour_of(self.scorer.graph, query)))

    def answers(self, query: Query, behaviour: Behaviour) -> Iterator[Recommendations]:
        """Answer the same query for each of many users, in their order. Raises FilterError, StageError."""
        return self._answers(query, behaviour, self._retrieved(query, behaviour))

    def _answers(self, query: Query, behaviour: Behaviour, allowed: Allowed) -> Iterator[Recommendations]:
        graph = self.scorer.graph
        # No list is longer than the catalogue, whatever k is asked for: arrays have k columns.
        width = min(query.k, max(graph.n_items, 1))
        lengths, disliking = behaviour.liked.lengths.tolist(), behaviour.liked.has_dislikes
        row = 0
        for lists in self._lists(query, behaviour, allowed, width):
            listed = lists.items >= 0
            shown = graph.items_as_shown(lists.items[listed])
            scores = lists.scores[listed].tolist()
            first = 0
            for count in np.count_nonzero(listed, axis=1).tolist():
                pairs = zip(shown[first : first + count], scores[first : first + count], strict=True)
                items = tuple(
                    RankedItem(rank, item, label, kind, score)
                    for rank, ((item, label, kind), score) in enumerate(pairs, start=1)
                )
                basis = Basis.HISTORY if lengths[row] else Basis.POPULARITY
                note = _joined(
                    "" if lengths[row] else _why_popular(bool(disliking[row])),
                    behaviour.notes.get(row, ""),
                    self.note,
                    "" if count >= query.k else _why_short(allowed, behaviour.seen_by(row), count),
                )
                yield Recommendations(behaviour.users[row], basis, lengths[row], items, note, self.stale_since)
                first += count
                row += 1

    def _retrieved(self, query: Query, behaviour: Behaviour) -> Allowed:
        found = self.retriever.retrieve(query, behaviour, self.scorer)
        if isinstance(self.retriever, Exact):
            return found
        permitted = query.filters.apply(self.scorer.graph).mask
        if permitted is not None and (found.mask is None or (found.mask & ~permitted).any()):
            raise RetrieverError("the retriever gave items that the filters do not allow")
        return found

    def lists(self, query: Query, behaviour: Behaviour) -> Iterator[TopK]:
        """Yield the lists of many users as dense item indices, in batches of consecutive users, k places each."""
        return self._lists(query, behaviour, self._retrieved(query, behaviour), query.k)

    def _lists(self, query: Query, behaviour: Behaviour, allowed: Allowed, width: int) -> Iterator[TopK]:
        depth = self._depth(width)
        first = 0
        for lists in self.scorer.lists(behaviour.liked, depth, candidates=allowed.items(), excluded=behaviour.seen):
            yield self._staged(query, behaviour, first, lists, width) if self.stages else lists
            first += len(lists.items)

    def _depth(self, k: int) -> int:
        wanted = k
        for stage in self.stages:
            depth = stage.depth(k)
            if not isinstance(depth, int | np.integer):
                raise StageError(f"the stage {stage.name!r} has the depth {depth!r}, which is no whole number")
            wanted = max(wanted, int(depth))
        return k if wanted == k else min(wanted, max(k, self.scorer.graph.n_items))

    def _staged(self, query: Query, behaviour: Behaviour, first: int, lists: TopK, width: int) -> TopK:
        out = no_lists(len(lists.items), width)
        for row, (items, scores) in enumerate(zip(*lists, strict=True)):
            asked = replace(query, user=behaviour.users[first + row])
            found = self._candidates(behaviour, first + row, items, scores)
            for stage in self.stages:
                found = staged(stage, asked, found)
            count = min(len(found.items), width)
            out.items[row, :count], out.scores[row, :count] = found.items[:count], found.scores[:count]
        return out

    def _candidates(
        self, behaviour: Behaviour, row: int, items: NDArray[np.int32], scores: NDArray[np.float32]
    ) -> Candidates:
        """Cut the empty end of a short list."""
        count = np.count_nonzero(items >= 0)
        history = behaviour.liked.take(slice(row, row + 1))
        return Candidates(self.scorer.graph, history, items[:count], scores[:count])

    def explain(self, query: Query, behaviour: Behaviour, item: str, paths: int) -> Explanation:
        """Explain the score of an item in the answer to the query for one user. Raises UnknownItem."""
        index = self.scorer.graph.item_index(item)
        found = explain_score(self.scorer, query.user, behaviour.liked, index, paths)
        found = replace(found, note=_joined(found.note, self.note), stale_since=self.stale_since)
        if not self.stages:
            return found
        allowed = self._retrieved(query, behaviour)
        depth = self._depth(min(query.k, max(self.scorer.graph.n_items, 1)))
        lists = next(self.scorer.lists(behaviour.liked, depth, candidates=allowed.items(), excluded=behaviour.seen))
        ranked = self._candidates(behaviour, 0, lists.items[0], lists.scores[0])
        if index not in ranked.items:
            # A stage cannot have changed an item that it has not seen, so the item is given to it among the others.
            place = int(np.searchsorted(-ranked.scores, -found.score, side="right"))
            ranked = replace(
                ranked,
                items=np.insert(ranked.items, place, index),
                scores=np.insert(ranked.scores, place, np.float32(found.score)),
            )
        changes, dropped_by = stage_changes(self.stages, query, ranked, index)
        note = "" if dropped_by is None else f"The stage {dropped_by!r} leaves the item out."
        return replace(
            found,
            score=found.score + sum(change for _, change in changes),
            stages=tuple(StageShare(name, change) for name, change in changes),
            note=_joined(found.note, note),
        )


def _why_popular(has_dislikes: bool) -> str:
    less = ", less what dislikes count against items" if has_dislikes else ""
    return f"No positive event is known, so this is a popularity blend{less}."


def _joined(*notes: str) -> str:
    return " ".join(filter(None, notes))


def _why_short(allowed: Allowed, seen: NDArray[np.int32], found: int) -> str:
    left = allowed.steps[-1].left
    steps = " → ".join(f"{step.filter}: {step.left:,}" for step in allowed.steps)
    what = "No item is left" if found == 0 else f"Only {found:,} item{'s are' if found != 1 else ' is'} left"
    had = len(seen) if allowed.mask is None else int(np.count_nonzero(allowed.mask[seen]))
    parts = [f"{had:,} of these are among the {len(seen):,} that the user has had"] if had else []
    if left - had > found:
        parts.append(f"stages leave out {left - had - found:,}")
    return f"{what} ({'; '.join([steps, *parts])})."
