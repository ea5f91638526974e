"""Many users at once: their behaviour from files or from the store, and their ranked lists as they come."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from kg.graph import KnowledgeGraph
from kg.histories import Histories
from whypath.answering.answers import kinds_left_out
from whypath.answering.histories import to_interactions
from whypath.answering.recs import RankedList
from whypath.answering.scoring import Scorer
from whypath.io.files import Exclusions, read_interactions


@dataclass(frozen=True, eq=False)
class Behaviour:
    """Users with what they liked, which counts for scores, and csr [n_users, n_items] `seen`, which is not listed."""

    users: Sequence[str]
    liked: Histories
    seen: sp.csr_array


def behaviour_of_files(
    graph: KnowledgeGraph,
    paths: Sequence[str | Path],
    users: Sequence[str] | None,
    tell: Callable[[str], None],
) -> Behaviour:
    """Histories from files, for the given users or all of the files; what was left out is told. Raises FileProblem."""
    rows = read_interactions(paths)
    liked, reading = to_interactions(rows, graph, users=users)
    if reading.unknown_rows or reading.not_positive:
        tell(f"history: {reading}")
    seen, _ = to_interactions(rows, graph, users=liked.user_ids, positive_only=False)
    return Behaviour(liked.user_ids, liked.histories(), seen.matrix())


def behaviour_of_store(
    graph: KnowledgeGraph, users: Sequence[str] | None, *, leave_out: Collection[str] | None = None
) -> Behaviour:
    """Histories from the store's events, for the given users or all that have any.

    `leave_out`: kinds of events whose items are not listed; None: those that the description says. Raises WhyPathError.
    """
    liked = graph.interactions()
    seen = graph.interactions(positive_only=False, kinds=kinds_left_out(graph.schema, leave_out))
    wanted = list(graph.interactions(positive_only=False).user_ids) if users is None else list(users)
    had = rows_of(seen.matrix(), seen.user_ids, wanted)
    return Behaviour(wanted, histories_of(liked.histories(), liked.user_ids, wanted), had)


def excluded_of(behaviour: Behaviour, exclusions: Exclusions, graph: KnowledgeGraph) -> sp.csr_array:
    """What must not be listed per user, csr [n_users, n_items]: what was seen, and the (user, item) rows given."""
    pairs, _ = to_interactions(exclusions.pairs, graph, users=behaviour.users, positive_only=False)
    return sp.csr_array(behaviour.seen + pairs.matrix())


def ranked_lists(
    scorer: Scorer,
    behaviour: Behaviour,
    k: int,
    *,
    candidates: NDArray[np.intp] | None,
    excluded: sp.csr_array,
) -> Iterator[RankedList]:
    """Each user's k best candidates in the caller's ids, in the order of the users."""
    ids = scorer.graph.item_ids
    for batch in scorer.lists(behaviour.liked, k, candidates=candidates, excluded=excluded):
        for row, (items, scores) in enumerate(zip(batch.lists.items, batch.lists.scores, strict=True)):
            listed = items >= 0
            yield RankedList(
                behaviour.users[batch.first + row], ids.take(items[listed]).to_list(), scores[listed].tolist()
            )


def histories_of(histories: Histories, user_ids: Sequence[str], wanted: Sequence[str]) -> Histories:
    """The wanted users' histories of those of `user_ids`, empty ones for users that are not among them."""
    row_of = {user: row for row, user in enumerate(user_ids)}
    # One user more, who has no event.
    padded = replace(histories, offsets=np.append(histories.offsets, histories.offsets[-1]), now=None)
    return padded.take(np.array([row_of.get(user, len(user_ids)) for user in wanted], dtype=np.int64))


def rows_of(matrix: sp.csr_array, user_ids: Sequence[str], wanted: Sequence[str]) -> sp.csr_array:
    """The wanted users' rows of a matrix whose rows are `user_ids`, empty ones for users that it does not have."""
    row_of = {user: row for row, user in enumerate(user_ids)}
    rows = np.array([row_of.get(user, -1) for user in wanted], dtype=np.int64)
    known = np.flatnonzero(rows >= 0)
    pick = sp.csr_array((np.ones(len(known), np.float32), (known, rows[known])), shape=(len(wanted), matrix.shape[0]))
    return sp.csr_array(pick @ matrix)
