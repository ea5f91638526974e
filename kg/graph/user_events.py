"""Events out of the tables of a snapshot: those of one user, with the events laid over them, and those of all users."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from kg.graph.building import event_columns, interaction_table
from kg.graph.event_delta import EventDelta, pieces
from kg.graph.overlay import concatenated
from kg.graph.parts import GraphParts
from kg.graph.strings import Strings
from kg.graph.tables import InteractionTable
from kg.histories import Histories
from kg.interactions import Interactions


def events_of_user(base: GraphParts, delta: EventDelta, user: str) -> list[InteractionTable]:
    """The user's events, a table for each kind that has any; `users` is the row in the base, 0 for a new user."""
    row = base.users.keys.find(user)
    laid = delta.of_user(user) if len(delta) else []
    found: list[InteractionTable] = []
    for table in base.events:
        own = table.part(table.of_user(row)) if row >= 0 else table.part(slice(0, 0))
        events, items = pieces(laid, table.kind)
        if events:
            columns = event_columns(events, [max(row, 0)] * len(events), items)
            own = concatenated([own, interaction_table(base.schema, table.kind, columns)]).in_order()
        if len(own):
            found.append(own)
    return found


def history_of_user(
    tables: Sequence[InteractionTable], n_items: int, kinds: Collection[str]
) -> tuple[Histories, NDArray[np.int32]]:
    """The positive events of one user's tables, in the order of time (unknown last) and item, and the items with any
    event of these kinds, ascending, each once.
    """
    positive = [np.flatnonzero(table.positive) for table in tables]
    items = joined([table.items[rows] for table, rows in zip(tables, positive, strict=True)], np.int32)
    times = joined([table.times[rows] for table, rows in zip(tables, positive, strict=True)], np.float64)
    weights = joined([table.weights[rows] for table, rows in zip(tables, positive, strict=True)], np.float32)
    codes = np.repeat(np.arange(len(tables), dtype=np.int16), [len(rows) for rows in positive])
    order = np.lexsort((items, times))
    history = Histories(
        np.array([0, len(items)], dtype=np.int64),
        items[order],
        n_items,
        times[order],
        weights[order],
        codes[order],
        tuple(table.kind for table in tables),
    )
    seen = [table.items for table in tables if table.kind in kinds]
    return history, np.unique(joined(seen, np.int32))


def all_events(
    tables: Sequence[InteractionTable], user_keys: Strings, n_items: int, *, positive_only: bool
) -> Interactions:
    """See `KnowledgeGraph.interactions`."""
    if positive_only:
        tables = [table.take(np.flatnonzero(table.positive)) for table in tables]
    users = joined([table.users for table in tables], np.int32)
    items = joined([table.items for table in tables], np.int32)
    times = joined([table.times for table in tables], np.float64)
    weights = joined([table.weights for table in tables], np.float32)
    codes = np.repeat(np.arange(len(tables), dtype=np.int16), [len(table) for table in tables])
    order = np.lexsort((weights, items, times, users))
    present, dense = np.unique(users[order], return_inverse=True)
    return Interactions(
        dense.astype(np.int32),
        items[order],
        user_keys.take(present),
        n_items,
        None if np.isnan(weights).all() else weights[order],
        None if np.isnan(times).all() else times[order],
        codes[order],
        tuple(table.kind for table in tables),
    )


def joined(columns: Sequence[NDArray], dtype: type) -> NDArray:
    """The columns one after the other; empty, of this type, where there is none."""
    return np.concatenate([np.zeros(0, dtype=dtype), *columns])
