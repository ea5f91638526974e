"""Build a snapshot from finished columns (as stores read them) or from rows (as tests and small domains have them)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kg.errors import WhyPathError
from kg.graph.columns import FieldColumn
from kg.graph.parts import GraphParts, first_rows
from kg.graph.strings import Strings
from kg.graph.tables import Csr, InteractionTable, NodeTable, RelationTable
from kg.limits import taken_times, taken_weights
from kg.rows import EdgeRow, Event, FieldValue, NodeRow
from kg.schema import DomainSchema


@dataclass(frozen=True, eq=False)
class EventColumns:
    """Events of one interaction kind in any order: local user indices, dense item indices, NaN where a number is
    missing.
    """

    users: NDArray[np.integer]
    items: NDArray[np.integer]
    weights: NDArray[np.floating]
    times: NDArray[np.floating]
    ids: Strings


def node_table(
    schema: DomainSchema,
    kind: str,
    keys: Sequence[str],
    labels: Sequence[str],
    texts: Sequence[str],
    fields: Sequence[Mapping[str, FieldValue]],
) -> NodeTable:
    """The table of one kind from parallel columns in any order; keys are distinct. Fields not in the schema are
    dropped.
    """
    spec = schema.nodes[kind]
    all_keys = Strings.of(keys)
    order = all_keys.order()
    columns = {
        name: FieldColumn.of(
            name, str(field.type), [fields[row].get(name) for row in order.tolist()], sensitive=field.sensitive
        )
        for name, field in sorted(spec.fields.items())
    }
    return NodeTable(
        kind, spec.role, all_keys.take(order), Strings.of(labels).take(order), Strings.of(texts).take(order), columns
    )


def build(
    schema: DomainSchema,
    tables: Mapping[str, NodeTable],
    edges: Mapping[str, tuple[NDArray[np.integer], NDArray[np.integer]]],
    events: Mapping[str, EventColumns],
    *,
    generation: int = 0,
    event_generation: int = 0,
) -> GraphParts:
    """A snapshot's parts from columns; see `KnowledgeGraph.build`.

    `tables`: sorted node tables by kind, absent kinds are empty. `edges`: local (heads, tails) by relation, in any
    order, repeats collapse. `events` by interaction kind.
    """
    full = {kind: tables.get(kind) or node_table(schema, kind, [], [], [], []) for kind in schema.nodes}
    none = np.zeros(0, dtype=np.int64)
    relations: list[RelationTable] = []
    for name, spec in sorted(schema.relation_kinds.items()):
        n_heads, n_tails = len(full[spec.head]), len(full[spec.tail])
        heads, tails = edges.get(name, (none, none))
        empty = Csr.of(none, none, 0)
        bare = RelationTable(name, spec.label, spec.head, spec.tail, empty, empty, spec.hidden)
        relations.append(bare.with_edges(heads, tails, n_heads, n_tails))
    interactions: list[InteractionTable] = []
    no_numbers = np.zeros(0, dtype=np.float64)
    for kind in sorted(schema.interactions):
        columns = events.get(kind) or EventColumns(none, none, no_numbers, no_numbers, Strings.of([]))
        interactions.append(interaction_table(schema, kind, columns).in_order())
    return GraphParts(schema, full, relations, interactions, generation=generation, event_generation=event_generation)


def interaction_table(schema: DomainSchema, kind: str, columns: EventColumns) -> InteractionTable:
    """The table of an interaction kind with these events, in their order. Weights and times beyond the limits of
    events, which earlier versions accepted, count as unknown.
    """
    weights = taken_weights(columns.weights)
    return InteractionTable(
        kind,
        columns.users.astype(np.int32),
        columns.items.astype(np.int32),
        weights,
        taken_times(columns.times),
        schema.interactions[kind].is_positive(weights),
        columns.ids,
    )


def event_columns(events: Sequence[Event], users: Sequence[int], items: Sequence[int]) -> EventColumns:
    """Columns of events with resolved users and items."""
    nan = float("nan")
    return EventColumns(
        np.asarray(users, dtype=np.int32),
        np.asarray(items, dtype=np.int32),
        np.array([nan if event.weight is None else event.weight for event in events], dtype=np.float64),
        np.array([nan if event.time is None else event.time for event in events], dtype=np.float64),
        Strings.of([event.id for event in events]),
    )


def graph_of_rows(
    schema: DomainSchema,
    nodes: Iterable[NodeRow],
    edges: Iterable[EdgeRow],
    events: Iterable[Event],
    *,
    generation: int = 0,
    event_generation: int = 0,
) -> GraphParts:
    """A snapshot's parts from checked rows; see `KnowledgeGraph.from_rows`."""
    rows: dict[str, dict[str, NodeRow]] = {kind: {} for kind in schema.nodes}
    for node in nodes:
        if node.kind not in rows:
            raise WhyPathError(
                f"node {node.key!r}: there is no node kind {node.kind!r} in the schema of {schema.name!r}"
            )
        rows[node.kind][node.key] = node
    kept = {event.id: event for event in events}
    users = schema.user_kinds[0]
    for event in kept.values():
        rows[users].setdefault(event.user, NodeRow(users, event.user, event.user))
    tables = {
        kind: node_table(
            schema,
            kind,
            list(by_key),
            [row.label for row in by_key.values()],
            [row.text for row in by_key.values()],
            [row.fields for row in by_key.values()],
        )
        for kind, by_key in rows.items()
    }
    index = {kind: {key: row for row, key in enumerate(table.keys)} for kind, table in tables.items()}
    arrays = _edge_arrays(schema, index, edges)
    starts = item_starts(schema, tables)
    by_kind: dict[str, list[Event]] = {kind: [] for kind in schema.interactions}
    for event in kept.values():
        if event.kind not in by_kind:
            raise WhyPathError(
                f"event {event.id!r}: there is no interaction {event.kind!r} in the schema of {schema.name!r}"
            )
        if event.item_kind not in starts or event.item not in index[event.item_kind]:
            raise WhyPathError(f"event {event.id!r} is on {event.item_kind} {event.item!r}, which does not exist")
        by_kind[event.kind].append(event)
    columns = {
        kind: event_columns(
            kind_events,
            [index[users][event.user] for event in kind_events],
            [starts[event.item_kind] + index[event.item_kind][event.item] for event in kind_events],
        )
        for kind, kind_events in by_kind.items()
    }
    return build(schema, tables, arrays, columns, generation=generation, event_generation=event_generation)


def _edge_arrays(
    schema: DomainSchema, index: Mapping[str, Mapping[str, int]], edges: Iterable[EdgeRow]
) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows of heads and of tails by relation; `index` has rows by kind and key. Raises WhyPathError."""
    ends: dict[str, tuple[list[int], list[int]]] = {name: ([], []) for name in schema.relation_kinds}
    for edge in edges:
        if edge.relation not in ends:
            raise WhyPathError(f"there is no relation {edge.relation!r} in the schema of {schema.name!r}")
        spec = schema.relation_kinds[edge.relation]
        for kind, key, rows in zip((spec.head, spec.tail), (edge.head, edge.tail), ends[edge.relation], strict=True):
            if key not in index[kind]:
                raise WhyPathError(f"relation {edge.relation!r} names {kind} {key!r}, which does not exist")
            rows.append(index[kind][key])
    return {
        name: (np.array(heads, dtype=np.int64), np.array(tails, dtype=np.int64))
        for name, (heads, tails) in ends.items()
    }


def item_starts(schema: DomainSchema, tables: Mapping[str, NodeTable]) -> dict[str, int]:
    """First dense item index of each item kind."""
    return first_rows(schema.item_kinds, tables)
