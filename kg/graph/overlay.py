"""Change a snapshot without reading the store again: overlay recent events, remove users."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kg.graph.building import EventColumns, event_columns, interaction_table
from kg.graph.event_delta import EventDelta, pieces
from kg.graph.parts import GraphParts
from kg.graph.strings import Strings
from kg.graph.tables import InteractionTable, NodeTable, RelationTable


def with_events(graph: GraphParts, delta: EventDelta, event_generation: int) -> GraphParts:
    """The snapshot with the events that overlay it; see `KnowledgeGraph.overlay`."""
    entries = delta.entries()
    users = {entry.event.user for entry in entries}
    bare = _with_users(graph, sorted(user for user in users if graph.users.keys.find(user) < 0))
    rows = {user: bare.users.keys.find(user) for user in users}
    tables: list[InteractionTable] = []
    for table in bare.events:
        events, items = pieces(graph, entries, table.kind)
        columns = event_columns(events, [rows[event.user] for event in events], items)
        tables.append(_merged(bare, table, columns) if events else table)
    return replace(bare, events=tables, event_generation=event_generation)


def without_users(graph: GraphParts, users: Iterable[str]) -> GraphParts:
    """The snapshot without these users; see `KnowledgeGraph.without_users`."""
    keys = graph.users.keys
    rows = {row for row in map(keys.find, users) if row >= 0}
    if not rows:
        return graph
    kept = np.setdiff1d(np.arange(len(keys)), np.fromiter(rows, dtype=np.int64))
    to = np.full(len(keys), -1, dtype=np.int64)
    to[kept] = np.arange(len(kept))
    return _with_user_table(graph, graph.users.take(kept), to)


def _with_users(graph: GraphParts, added: list[str]) -> GraphParts:
    if not added:
        return graph
    table = graph.users
    larger = table.with_bare(added)
    return _with_user_table(graph, larger, larger.keys.positions(table.keys).astype(np.int64))


def _with_user_table(graph: GraphParts, table: NodeTable, to: NDArray[np.int64]) -> GraphParts:
    """Replace the users' table: `to` int64 [n_users before] is each user's new row, -1 for a removed one."""
    kind = table.kind
    relations: list[RelationTable] = []
    for relation in graph.relations:
        if kind not in (relation.head_kind, relation.tail_kind):
            relations.append(relation)
            continue
        heads, tails = relation.heads.astype(np.int64), relation.tails.astype(np.int64)
        n_heads, n_tails = len(relation.forward), len(relation.backward)
        if relation.head_kind == kind:
            heads, n_heads = to[heads], len(table)
        if relation.tail_kind == kind:
            tails, n_tails = to[tails], len(table)
        stays = (heads >= 0) & (tails >= 0)
        relations.append(relation.with_edges(heads[stays], tails[stays], n_heads, n_tails))
    events: list[InteractionTable] = []
    for interactions in graph.events:
        users = to[interactions.users]
        kept = interactions.take(np.flatnonzero(users >= 0)) if (users < 0).any() else interactions
        # New rows are in the order of the keys as the old ones were, so the table's order holds.
        events.append(replace(kept, users=users[users >= 0].astype(np.int32)))
    # The digest is kept: it is that of the facts, which do not include users.
    return replace(graph, tables={**graph.tables, kind: table}, relations=relations, events=events)


def _merged(graph: GraphParts, table: InteractionTable, columns: EventColumns) -> InteractionTable:
    """The table with further events inserted in order: one pass over each column, without sorting the old rows."""
    added = interaction_table(graph.schema, table.kind, columns)
    touched = np.unique(added.users)
    first = np.searchsorted(table.users, touched, side="left")
    last = np.searchsorted(table.users, touched, side="right")
    # Only the rows of the users concerned are sorted again, together with the new ones; all others are copied around
    # them.
    old_rows = np.concatenate([np.arange(start, stop) for start, stop in zip(first, last, strict=True)]).astype(np.intp)
    again = concatenated([table.take(old_rows), added]).in_order()
    untouched = np.ones(len(table), dtype=bool)
    untouched[old_rows] = False
    old_rest = np.flatnonzero(untouched)
    at = np.searchsorted(table.users[old_rest], again.users)
    target = np.arange(len(again)) + at
    total = len(old_rest) + len(again)
    source = np.empty(total, dtype=np.int64)
    is_new = np.zeros(total, dtype=bool)
    is_new[target] = True
    source[is_new] = len(table) + np.arange(len(again))
    source[~is_new] = old_rest
    return concatenated([table, again]).take(source)


def concatenated(tables: Sequence[InteractionTable]) -> InteractionTable:
    """Concatenate the tables' events, as one table of the first one's kind."""
    first = tables[0]
    return InteractionTable(
        first.kind,
        np.concatenate([table.users for table in tables]),
        np.concatenate([table.items for table in tables]),
        np.concatenate([table.weights for table in tables]),
        np.concatenate([table.times for table in tables]),
        np.concatenate([table.positive for table in tables]),
        Strings.concatenated([table.ids for table in tables]),
    )
