"""Match rows of files with a graph: known items, positive rows, users as matrix rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kg.errors import WhyPathError
from kg.graph import KnowledgeGraph
from kg.interactions import Interactions
from kg.schema import DomainSchema
from whypath.io.files import Rows


class AmbiguousRule(WhyPathError):
    """The rows have weights, and the domain has several rules for what counts as positive."""


@dataclass(frozen=True)
class Reading:
    """Counts of given rows: all, those dropped as not positive, those on items unknown to the graph.

    `examples` are a few of the unknown ids.
    """

    rows: int
    not_positive: int
    unknown_rows: int
    unknown_items: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        parts = [f"{self.rows:,} rows"]
        if self.not_positive:
            parts.append(f"{self.not_positive:,} not positive by the domain's rule, left out")
        if self.unknown_rows:
            shown = ", ".join(self.examples) + (", …" if self.unknown_items > len(self.examples) else "")
            parts.append(
                f"{self.unknown_rows:,} on {self.unknown_items:,} items unknown to the store ({shown}), left out"
            )
        return "; ".join(parts)


def to_interactions(
    rows: Rows, graph: KnowledgeGraph, *, users: Sequence[str] | None = None, positive_only: bool = True
) -> tuple[Interactions, Reading]:
    """Convert rows to interactions over the graph's items, sorted by user, time, item and weight, so that the order of
    a file has no effect.

    users: the users of the result in this order, rows of others are dropped; None for all users of the rows, by id
    (also those without remaining rows). positive_only: keep only rows that are positive by the domain's rule; a row
    without a weight counts as positive, because it was given as behaviour. Raises AmbiguousRule.
    """
    user_ids = sorted(set(rows.users)) if users is None else list(users)
    place = {user: row for row, user in enumerate(user_ids)}
    user_index = np.fromiter((place.get(user, -1) for user in rows.users), dtype=np.intp, count=len(rows))
    item_index = graph.item_indices(list(rows.items)).astype(np.int32)
    of_users = user_index >= 0
    positive = positive_rows(rows, graph.schema) if positive_only else np.ones(len(rows), dtype=bool)
    unknown = of_users & positive & (item_index < 0)
    names = list(dict.fromkeys(rows.items[unknown]))
    reading = Reading(
        rows=int(of_users.sum()),
        not_positive=int((of_users & ~positive).sum()),
        unknown_rows=int(unknown.sum()),
        unknown_items=len(names),
        examples=tuple(names[:3]),
    )
    kept = np.flatnonzero(of_users & positive & (item_index >= 0))
    times = None if rows.times is None else rows.times[kept]
    by_time = np.zeros(len(kept)) if times is None else times
    weights = None if rows.weights is None else rows.weights[kept]
    by_weight = np.zeros(len(kept)) if weights is None else weights
    names = tuple(sorted(graph.schema.interactions))
    order = np.lexsort((by_weight, item_index[kept], by_time, user_index[kept]))
    found = Interactions(
        user_index[kept][order].astype(np.int32),
        item_index[kept][order],
        user_ids,
        graph.n_items,
        None if weights is None else weights[order],
        None if times is None else times[order],
        kinds_of(rows, names)[kept][order],
        names,
    )
    return found, reading


def kinds_of(rows: Rows, names: Sequence[str]) -> NDArray[np.int16]:
    """Return the kind of each row as an index into the domain's `names`, int16 [n_rows].

    -1 if it is unknown: the files have no column of it, and the domain has several.
    """
    if rows.kinds is None:
        return np.full(len(rows), 0 if len(names) == 1 else -1, dtype=np.int16)
    number = {name: place for place, name in enumerate(names)}
    return np.fromiter((number.get(kind, -1) for kind in rows.kinds), dtype=np.int16, count=len(rows))


def positive_rows(rows: Rows, schema: DomainSchema) -> NDArray[np.bool_]:
    """Whether each row is positive by the domain's rule, bool [n_rows]; rows without a weight are."""
    everything = np.ones(len(rows), dtype=bool)
    if rows.weights is None:
        return everything
    rules = [kind.positive for kind in schema.interactions.values() if kind.positive.needs_weight]
    if not rules:
        return everything
    if any(rule != rules[0] for rule in rules):
        raise AmbiguousRule(
            f"{rows.files[0].name} has weights, and the domain's interactions ({', '.join(schema.interactions)}) have "
            "different rules for what counts as positive; give a file without a weight column that holds the positive "
            "rows only"
        )
    return rules[0].matches(rows.weights) | np.isnan(rows.weights)
