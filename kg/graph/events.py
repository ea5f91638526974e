"""Convert event tables of all kinds to one order, as `Interactions` of all users or `Histories` of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kg.graph.strings import Strings
from kg.graph.tables import InteractionTable
from kg.histories import Histories
from kg.interactions import Interactions, tie_order

Part = tuple[InteractionTable, NDArray[np.intp] | slice]
"""Some rows of a table."""


@dataclass(frozen=True, eq=False)
class _Columns:
    """All events, sorted by user, time, `tie_order` and weight (unknown last), then in the order of the tables."""

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    times: NDArray[np.float64]
    weights: NDArray[np.float32]
    kinds: NDArray[np.int16]

    @classmethod
    def of(cls, parts: Sequence[Part]) -> _Columns:
        users = [table.users[rows] for table, rows in parts]
        columns: list[NDArray] = [
            _joined(users, np.int32),
            _joined([table.items[rows] for table, rows in parts], np.int32),
            _joined([table.times[rows] for table, rows in parts], np.float64),
            _joined([table.weights[rows] for table, rows in parts], np.float32),
            np.repeat(np.arange(len(parts), dtype=np.int16), [len(of_table) for of_table in users]),
        ]
        by_user, by_item, by_time, by_weight, _ = columns
        order = np.lexsort((by_weight, by_item, tie_order(by_item), by_time, by_user))
        return cls(*(column[order] for column in columns))


def interactions_of(parts: Sequence[Part], keys: Strings, n_items: int) -> Interactions:
    """The events of all users that have any; `keys` are those of the user kind's table.

    Weights or times are None where no event has one.
    """
    columns = _Columns.of(parts)
    present, users = np.unique(columns.users, return_inverse=True)
    return Interactions(
        users.astype(np.int32),
        columns.items,
        keys.take(present),
        n_items,
        None if np.isnan(columns.weights).all() else columns.weights,
        None if np.isnan(columns.times).all() else columns.times,
        columns.kinds,
        tuple(table.kind for table, _ in parts),
    )


def history_of(parts: Sequence[Part], n_items: int, names: Sequence[str]) -> Histories:
    """The events, all of one user and one polarity, as `Histories`; `names` are the kinds of the domain."""
    columns = _Columns.of(parts)
    offsets = np.array([0, len(columns.items)], dtype=np.int64)
    places = np.array([names.index(table.kind) for table, _ in parts], dtype=np.int16)
    return Histories(
        offsets,
        columns.items,
        n_items,
        columns.times,
        columns.weights,
        places[columns.kinds],
        tuple(names),
        is_ordered=not np.isnan(columns.times).all(),
    )


def _joined(columns: Sequence[NDArray], dtype: type) -> NDArray:
    return np.concatenate([np.zeros(0, dtype=dtype), *columns])
