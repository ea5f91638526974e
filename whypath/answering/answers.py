"""`Answers`: the methods of an engine that answer, in the caller's ids; all use the request path."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from kg.ids import Id, id_text, id_texts
from whypath.answering.behaviour import behaviour_of, behaviour_of_files, behaviours_of
from whypath.answering.filters import FilterOptions, Filters
from whypath.answering.query import Context, Query
from whypath.answering.request_path import RequestPath
from whypath.answering.results import Explanation, Recommendations, SimilarItems
from whypath.io.files import paths_of, read_exclusions

PathOrPaths = Sequence[str | Path] | str | Path


class Answers(ABC):
    """Lists, similar items and explanations, for one user or many."""

    @abstractmethod
    def requests(self, *, offline: bool = False) -> RequestPath:
        """The request path over the current state, for several questions to one state. Raises NotTrained.

        `offline`: without the store's events; popularity is that of the training events.
        """

    def recommend(
        self,
        user: Id,
        k: int = 10,
        *,
        repeats: bool = False,
        leave_out: Collection[str] | None = None,
        context: Context | None = None,
        now: float | None = None,
        **filters: Unpack[FilterOptions],
    ) -> Recommendations:
        """List the k best items for a user of the store, or a popularity blend for one without positive events.

        Items of the user's events are left out, of the kinds in `leave_out`, or by default of the description's
        (`excludes`); none with `repeats`. Filters come before the top k. `context` and `now`: see `Query`. Raises
        NotTrained, FilterError, BadId.
        """
        asked = Filters(**filters)
        query = Query(id_text(user), None, k, asked, repeats, leave_out, context or {}, now)
        return self.requests().recommend(query)

    def recommend_for(
        self,
        history: Iterable[Id],
        k: int = 10,
        *,
        context: Context | None = None,
        now: float | None = None,
        **filters: Unpack[FilterOptions],
    ) -> Recommendations:
        """List the k best items for a history of item ids; unknown ids are ignored and noted."""
        query = Query(
            history=id_texts(history, "a history"), k=k, filters=Filters(**filters), context=context or {}, now=now
        )
        return self.requests().recommend(query)

    def recommend_many(
        self,
        users: Iterable[Id] | Mapping[Id, Iterable[Id]] | None = None,
        k: int = 10,
        *,
        history: PathOrPaths | None = None,
        exclude_files: PathOrPaths = (),
        repeats: bool = False,
        leave_out: Collection[str] | None = None,
        context: Context | None = None,
        now: float | None = None,
        progress: Callable[[str], None] | None = None,
        **filters: Unpack[FilterOptions],
    ) -> Iterator[Recommendations]:
        """Make lists for many users, in their order; computed in batches during iteration, all from one state.

        `users`: users of the store, None for all who have events; or a mapping of users to the item ids that they
        like. With `history`, files of (user, item) rows, histories come from these files, `users` None are all users of
        the files, and the store's events are not read. `exclude_files`: items that are not listed, (user, item) rows,
        or items alone for all users. `progress` gets messages on rows that are left out. The rest is as in `recommend`.

        Raises NotTrained, FilterError, BadId, FileProblem.
        """
        histories = paths_of(history)
        exclusions = read_exclusions(paths_of(exclude_files))
        asked = Filters(**filters)
        if exclusions.items:
            asked = asked.without(exclusions.items)
        path = self.requests(offline=bool(histories))
        query = Query(None, None, k, asked, repeats, leave_out, context or {}, now)
        behaviour = behaviours_of(
            path.scorer.graph, users, query, histories, exclusions.pairs, progress or (lambda _: None)
        )
        return path.answers(query, behaviour)

    def similar(self, item: Id, k: int = 10, **filters: Unpack[FilterOptions]) -> SimilarItems:
        """List the items that score best for a history of this item alone, whatever their popularity.

        Raises UnknownItem.
        """
        path, name = self.requests(), id_text(item)
        path = replace(path, scorer=path.scorer.alike)
        label = path.scorer.graph.label_of(path.scorer.graph.item_index(name))
        found = path.recommend(Query(history=(name,), k=k, filters=Filters(**filters)))
        return SimilarItems(name, label, found.items, found.note, found.stale_since)

    def explain(
        self,
        user: Id,
        item: Id,
        *,
        paths: int = 5,
        k: int = 10,
        repeats: bool = False,
        leave_out: Collection[str] | None = None,
        history: PathOrPaths | None = None,
        context: Context | None = None,
        now: float | None = None,
        progress: Callable[[str], None] | None = None,
        **filters: Unpack[FilterOptions],
    ) -> Explanation:
        """Explain an item's score for a user: the score's split and at most `paths` labelled paths.

        `history`: see `recommend_many`. The other options are those of the list that is explained; they matter if
        stages change lists. Raises UnknownItem.
        """
        histories = paths_of(history)
        path = self.requests(offline=bool(histories))
        graph = path.scorer.graph
        query = Query(id_text(user), None, k, Filters(**filters), repeats, leave_out, context or {}, now)
        if histories:
            behaviour = behaviour_of_files(graph, histories, [query.user or ""], progress or (lambda _: None))
        else:
            behaviour = behaviour_of(graph, query)
        return path.explain(query, behaviour, id_text(item), paths)

    def explain_for(
        self,
        history: Iterable[Id],
        item: Id,
        *,
        paths: int = 5,
        k: int = 10,
        context: Context | None = None,
        now: float | None = None,
        **filters: Unpack[FilterOptions],
    ) -> Explanation:
        """`explain` for a history of item ids."""
        path, given = self.requests(), id_texts(history, "a history")
        query = Query(None, given, k, Filters(**filters), context=context or {}, now=now)
        return path.explain(query, behaviour_of(path.scorer.graph, query), id_text(item), paths)
