"""`EventIds`: find an event of a snapshot by its id, over all kinds and users, without a table of Python objects."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from kg.graph import KnowledgeGraph
from kg.rows import Event


class _Sorted:
    """Sorted ids, for bisection."""

    def __init__(self, graph: KnowledgeGraph, position: int) -> None:
        self.table = graph.events[position]
        self.order = self.table.ids.order()

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, at: int) -> str:
        return self.table.ids[int(self.order[at])]


class EventIds:
    """The events of one snapshot by id."""

    def __init__(self, graph: KnowledgeGraph) -> None:
        self.graph = graph
        self._tables = [_Sorted(graph, position) for position in range(len(graph.events))]

    def says(self, event: Event) -> bool | None:
        """Whether the event with this id has the same content; None if there is no event with the id."""
        for ids in self._tables:
            at = bisect_left(ids, event.id)
            if at < len(ids) and ids[at] == event.id:
                return self._same(ids, int(ids.order[at]), event)
        return None

    def _same(self, ids: _Sorted, row: int, event: Event) -> bool:
        graph, table = self.graph, ids.table
        users = graph.nodes(graph.schema.user_kinds[0]).keys
        kind, key, _ = graph.node_of(int(table.items[row]))
        return (
            (table.kind, users[int(table.users[row])]) == (event.kind, event.user)
            and (kind, key) == (event.item_kind, event.item)
            and _equal(table.times[row], event.time)
            # Weights of a snapshot have single precision.
            and _equal(table.weights[row], None if event.weight is None else float(np.float32(event.weight)))
        )


def _equal(stored: np.floating, given: float | None) -> bool:
    return bool(np.isnan(stored)) if given is None else bool(stored == given)
