"""`Behaviour`: the liked and seen items of one or many users, from the store, from files or from given items."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from kg.errors import WhyPathError
from kg.graph import KnowledgeGraph
from kg.histories import Histories
from kg.ids import Id, id_text, id_texts
from kg.schema import DomainSchema
from whypath.answering.histories import to_interactions
from whypath.answering.query import Query
from whypath.io.files import Rows, read_interactions


@dataclass(frozen=True, eq=False)
class Behaviour:
    """Users with `liked` items (and dislikes), which count for scores, and csr [n_users, n_items] `seen`, which are not
    listed.

    The user of a history without a user is None. `notes`: remarks for the readers of some users' answers, by row.
    """

    users: Sequence[str | None]
    liked: Histories
    seen: sp.csr_array
    notes: Mapping[int, str] = field(default_factory=dict)

    def seen_by(self, row: int) -> NDArray[np.int32]:
        """The items that are not listed for one user."""
        return self.seen.indices[self.seen.indptr[row] : self.seen.indptr[row + 1]]


def behaviour_of(graph: KnowledgeGraph, query: Query) -> Behaviour:
    """Read the behaviour of the user of a query. Raises BadId, WhyPathError."""
    if query.history is not None:
        return _asked_at(query, behaviour_of_histories(graph, {None: query.history}))
    return _asked_at(query, behaviour_of_user(graph, query.user or "", _left_out(query)))


def behaviours_of(
    graph: KnowledgeGraph,
    users: Iterable[Id] | Mapping[Id, Iterable[Id]] | None,
    query: Query,
    files: Sequence[Path],
    exclude: Rows,
    tell: Callable[[str], None],
) -> Behaviour:
    """Read many users with a query's options; see `Answers.recommend_many`. exclude: (user, item) rows of seen items.

    Raises BadId, FileProblem, WhyPathError.
    """
    if isinstance(users, Mapping):
        found = behaviour_of_histories(graph, {id_text(user): items for user, items in users.items()})
    else:
        names = None if users is None else id_texts(users, "`users`")
        if files:
            found = behaviour_of_files(graph, files, names, tell)
        else:
            found = behaviour_of_store(graph, names, leave_out=_left_out(query))
    if len(exclude):
        pairs, _ = to_interactions(exclude, graph, users=[user or "" for user in found.users], positive_only=False)
        found = replace(found, seen=sp.csr_array(found.seen + pairs.matrix()))
    return _asked_at(query, found)


def _left_out(query: Query) -> Collection[str] | None:
    return () if query.repeats else query.leave_out


def _asked_at(query: Query, behaviour: Behaviour) -> Behaviour:
    return behaviour if query.now is None else replace(behaviour, liked=behaviour.liked.at(query.now))


def behaviour_of_user(graph: KnowledgeGraph, user: str, leave_out: Collection[str] | None = None) -> Behaviour:
    """Read a user of the store: items of positive events are liked, those of negative ones disliked, items that are not
    to be listed are seen.

    `leave_out`: kinds of events whose items are not listed; None: those of the description. Raises WhyPathError.
    """
    liked, seen = graph.history_of(user, kinds_left_out(graph.schema, leave_out))
    return Behaviour([user], liked, Histories.of_items(seen, graph.n_items).matrix())


def behaviour_of_histories(
    graph: KnowledgeGraph, histories: Mapping[str, Iterable[Id]] | Mapping[None, Iterable[Id]]
) -> Behaviour:
    """Make users with the item ids that they like, in order; unknown ids are ignored and noted. Raises BadId."""
    # Of an item that comes several times the last place counts, as for the events of a store.
    given = [list(dict.fromkeys(reversed(id_texts(ids, "a history"))))[::-1] for ids in histories.values()]
    lengths = np.array([len(ids) for ids in given])
    names = [name for ids in given for name in ids]
    indices = graph.item_indices(names)
    known = indices >= 0
    owners = np.repeat(np.arange(len(given)), lengths)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owners[known], minlength=len(given)))]).astype(np.int64)
    unknown: dict[int, list[str]] = {}
    for place in np.flatnonzero(~known).tolist():
        unknown.setdefault(int(owners[place]), []).append(names[place])
    notes = {
        row: f"{len(missing)} of the {len(given[row])} items given are unknown: {', '.join(missing[:5])}."
        for row, missing in unknown.items()
    }
    liked = Histories(offsets, indices[known], graph.n_items)
    return Behaviour(list(histories), liked, liked.matrix(), notes)


def kinds_left_out(schema: DomainSchema, leave_out: Collection[str] | None) -> Collection[str]:
    """The kinds of events whose items are not listed: the given ones, or the description's. Raises WhyPathError."""
    if leave_out is None:
        return schema.kinds_left_out
    kinds = [leave_out] if isinstance(leave_out, str) else list(leave_out)
    unknown = [kind for kind in kinds if kind not in schema.interactions]
    if unknown:
        raise WhyPathError(f"no kind of events {unknown[0]!r}; there are: {', '.join(schema.interactions) or 'none'}")
    return kinds


def behaviour_of_files(
    graph: KnowledgeGraph,
    paths: Sequence[str | Path],
    users: Sequence[str] | None,
    tell: Callable[[str], None],
) -> Behaviour:
    """Read histories from files, for the given users or all of the files; `tell` gets messages on rows left out.

    Raises FileProblem.
    """
    rows = read_interactions(paths)
    liked, reading = to_interactions(rows, graph, users=users)
    if reading.unknown_rows or reading.not_positive:
        tell(f"history: {reading}")
    seen, _ = to_interactions(rows, graph, users=liked.user_ids, positive_only=False)
    return Behaviour(liked.user_ids, liked.histories(), seen.matrix())


def behaviour_of_store(
    graph: KnowledgeGraph, users: Sequence[str] | None, *, leave_out: Collection[str] | None = None
) -> Behaviour:
    """Read histories from the store's events, for the given users or all that have any.

    `leave_out`: kinds of events whose items are not listed; None: those of the description. Raises WhyPathError.
    """
    if users is not None and len(users) == 1:
        return behaviour_of_user(graph, users[0], leave_out)
    liked = graph.interactions()
    seen = graph.interactions(positive_only=False, kinds=kinds_left_out(graph.schema, leave_out))
    wanted = list(graph.interactions(positive_only=False).user_ids) if users is None else list(users)
    had = rows_of(seen.matrix(), seen.user_ids, wanted)
    histories, dislikes = histories_of(liked.histories(), liked.user_ids, wanted), graph.dislikes()
    if dislikes is not None:
        against = histories_of(dislikes.histories(), dislikes.user_ids, wanted)
        histories = replace(histories, dislikes=against).decided()
    return Behaviour(wanted, histories, had)


def histories_of(histories: Histories, user_ids: Sequence[str | None], wanted: Sequence[str]) -> Histories:
    """Select the asked users' histories from those of `user_ids`, empty ones for users that are not among them."""
    row_of = {user: row for row, user in enumerate(user_ids)}
    # One more user, without events.
    rows = np.array([row_of.get(user, len(user_ids)) for user in wanted], dtype=np.int64)
    padded = replace(
        histories, offsets=np.append(histories.offsets, histories.offsets[-1]), now=None, dislikes=None
    ).take(rows)
    if histories.dislikes is None:
        return padded
    return replace(padded, dislikes=histories_of(histories.dislikes, user_ids, wanted))


def rows_of(matrix: sp.csr_array, user_ids: Sequence[str | None], wanted: Sequence[str]) -> sp.csr_array:
    """Select the asked users' rows of a matrix with rows `user_ids`, empty ones for users that it lacks."""
    row_of = {user: row for row, user in enumerate(user_ids)}
    rows = np.array([row_of.get(user, -1) for user in wanted], dtype=np.int64)
    known = np.flatnonzero(rows >= 0)
    pick = sp.csr_array((np.ones(len(known), np.float32), (known, rows[known])), shape=(len(wanted), matrix.shape[0]))
    return sp.csr_array(pick @ matrix)
