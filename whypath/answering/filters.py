"""Filters on what may be recommended: ids, kinds, conditions on fields or relations, availability.

`Filters` holds the caller's filters; `Filters.apply` turns them into the mask of items of a snapshot, and keeps the
number of items after each step, to explain an empty result. Filters come before the top k, so k results remain.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from kg.graph import KnowledgeGraph
from kg.ids import Id, id_texts
from whypath.answering.conditions import FilterError, Where
from whypath.answering.item_masks import available_items, items_of_kinds, items_where, kept_mask, named_items


@dataclass(frozen=True)
class Step:
    """A step of filtering: its description and the number of items after it."""

    filter: str
    left: int


@dataclass(frozen=True, eq=False)
class Allowed:
    """Result of a filter: `mask` bool [n_items], None if all items are allowed; `steps` in the order applied."""

    mask: NDArray[np.bool_] | None
    steps: tuple[Step, ...]

    def items(self) -> NDArray[np.intp] | None:
        """Allowed item indices, ascending; None for all."""
        return None if self.mask is None else np.flatnonzero(self.mask)


@dataclass(frozen=True)
class Filters:
    """Filters of the items that may be recommended; every part narrows them.

    `include` only these ids (None: all); `exclude` none of these ids; `kinds` only these item kinds (empty: all);
    `where` conditions that must all hold; `available` only items that are available by the domain's rule. Raises
    FilterError for a text in place of a list.
    """

    include: Sequence[Id] | None = None
    exclude: Sequence[Id] = ()
    kinds: Sequence[str] = ()
    where: Sequence[Where | str] = ()
    available: bool = False

    def __post_init__(self) -> None:
        for name, value in (("kinds", self.kinds), ("where", self.where)):
            if isinstance(value, str | Where):
                raise FilterError(f"`{name}` is a list; write [{value!r}] for one")

    def without(self, items: Sequence[Id]) -> Filters:
        """The same filters, also without these items."""
        return replace(self, exclude=(*id_texts(self.exclude, "`exclude`"), *items))

    def apply(self, graph: KnowledgeGraph) -> Allowed:
        """Find the items of `graph` that pass. Ids that the graph does not know are ignored; raises FilterError."""
        if self.include is None and not (self.exclude or self.kinds or self.where or self.available):
            return Allowed(None, (Step("all items", graph.n_items),))
        mask = np.ones(graph.n_items, dtype=bool)
        steps = [Step("all items", graph.n_items)]

        def narrow(description: str, part: Hashable, compute: Callable[[], NDArray[np.bool_]]) -> None:
            np.logical_and(mask, kept_mask(graph, part, compute), out=mask)
            steps.append(Step(description, int(np.count_nonzero(mask))))

        if self.include is not None:
            ids = tuple(id_texts(self.include, "`include` or `exclude`"))
            narrow(f"include: {len(ids)} ids", ("ids", ids), lambda: named_items(graph, ids))
        if self.kinds:
            kinds = tuple(self.kinds)
            narrow(f"kind: {', '.join(kinds)}", ("kinds", kinds), lambda: items_of_kinds(graph, kinds))
        for given in self.where:
            condition = Where.parse(given) if isinstance(given, str) else given
            # 1, 1.0 and True are equal, but are written differently.
            part = ("where", type(condition.value), condition)
            narrow(str(condition), part, lambda condition=condition: items_where(graph, condition))
        if self.available:
            narrow("available only", "available", lambda: available_items(graph))
        if self.exclude:
            left_out = tuple(id_texts(self.exclude, "`include` or `exclude`"))
            narrow(f"exclude: {len(left_out)} ids", ("not", left_out), lambda: ~named_items(graph, left_out))
        return Allowed(mask, tuple(steps))


class FilterOptions(TypedDict, total=False):
    """Keyword arguments that filter lists; see `Filters`."""

    include: Sequence[Id] | None
    exclude: Sequence[Id]
    kinds: Sequence[str]
    where: Sequence[Where | str]
    available: bool
