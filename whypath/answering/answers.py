"""One user's answer: from a history and filters to a list with a note that says why it is short or what it rests on."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kg.errors import WhyPathError
from kg.graph import KnowledgeGraph
from kg.histories import Histories
from kg.ids import Id, id_texts
from kg.schema import DomainSchema
from whypath.answering.filters import Allowed, Filters
from whypath.answering.results import Basis, RankedItem, Recommendations
from whypath.answering.scoring import Scorer


@dataclass(frozen=True, eq=False)
class History:
    """One user over one snapshot: `liked` counts for the scores, `seen` (item indices, ascending) is not listed."""

    liked: Histories
    seen: NDArray[np.int32]
    note: str = ""


def history_of(graph: KnowledgeGraph, user: str, leave_out: Collection[str] | None = None) -> History:
    """The history of a user of the store: liked is what positive events are on, seen what is not to be listed.

    `leave_out`: kinds of events whose items are not listed; None: those that the description says. Raises WhyPathError.
    """
    liked, seen = graph.history_of(user, kinds_left_out(graph.schema, leave_out))
    return History(liked, seen)


def kinds_left_out(schema: DomainSchema, leave_out: Collection[str] | None) -> Collection[str]:
    """The kinds of events whose items are not listed: those given, or those of the description. Raises WhyPathError."""
    if leave_out is None:
        return schema.kinds_left_out
    kinds = [leave_out] if isinstance(leave_out, str) else list(leave_out)
    unknown = [kind for kind in kinds if kind not in schema.interactions]
    if unknown:
        raise WhyPathError(f"no kind of events {unknown[0]!r}; there are: {', '.join(schema.interactions) or 'none'}")
    return kinds


def history_from(graph: KnowledgeGraph, ids: Iterable[Id]) -> History:
    """The history made of given item ids; unknown ones are passed over and noted. Raises BadId."""
    given = list(dict.fromkeys(id_texts(ids, "a history")))
    indices = graph.item_indices(given)
    unknown = [name for name, index in zip(given, indices, strict=True) if index < 0]
    note = f"{len(unknown)} of the {len(given)} items given are unknown: {', '.join(unknown[:5])}." if unknown else ""
    known = indices[indices >= 0].astype(np.int32)
    return History(Histories.of_items(known, graph.n_items), np.unique(known), note)


def recommend_one(
    scorer: Scorer,
    user: str | None,
    history: History,
    k: int,
    filters: Filters,
    *,
    excluded: NDArray[np.int32] | None = None,
) -> Recommendations:
    """The k best items for one history. excluded: item indices that are not listed, `history.seen` if None.

    Raises FilterError.
    """
    if k < 1:
        raise WhyPathError(f"k must be at least 1, not {k}")
    graph = scorer.graph
    allowed = filters.apply(graph)
    left_out = history.seen if excluded is None else excluded
    excluded_row = Histories.of_items(left_out, graph.n_items).matrix()
    batch = next(scorer.lists(history.liked, k, candidates=allowed.items(), excluded=excluded_row))
    # Lists that are short end in items -1.
    listed = batch.lists.items[0][: np.count_nonzero(batch.lists.items[0] >= 0)]
    pairs = zip(graph.items_as_shown(listed), batch.lists.scores[0].tolist(), strict=False)
    items = tuple(
        RankedItem(rank, item, label, kind, score) for rank, ((item, label, kind), score) in enumerate(pairs, start=1)
    )
    n_liked = int(history.liked.lengths[0])
    basis = Basis.HISTORY if n_liked else Basis.POPULARITY
    notes = [history.note, _why_short(allowed, len(left_out), len(items), k)]
    if basis is Basis.POPULARITY:
        notes.insert(0, "No positive event is known, so this is a popularity blend.")
    return Recommendations(user, basis, n_liked, items, " ".join(note for note in notes if note))


def _why_short(allowed: Allowed, left_out: int, found: int, k: int) -> str:
    if found >= k:
        return ""
    left = allowed.steps[-1].left
    steps = " → ".join(f"{step.filter}: {step.left:,}" for step in allowed.steps)
    what = "No item is left" if found == 0 else f"Only {found:,} items are left"
    own = f"; {left - found:,} of these are among the {left_out:,} that the user has had" if left > found else ""
    return f"{what} ({steps}{own})."
