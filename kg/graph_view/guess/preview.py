"""Preview a description of a graph: some events and items, by bounded queries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from neo4j import ManagedTransaction

from kg.graph_view.events import behaviour_of
from kg.graph_view.nodes import NodeProperties, page_of_nodes
from kg.graph_view.numbers import has_number, node_prefix, number_of
from kg.graph_view.patterns import Conditions, arrow, labelled, plain
from kg.graph_view.values import TimeColumn, key_column, weight_column
from kg.ingest.preview import Preview, Seen, most_seen, told
from kg.rows import EdgeRow, Event, NodeRow
from kg.schema import DomainSchema, InteractionKind
from kg.stores.neo4j.access import access_to
from kg.stores.neo4j.connection import Connection, first, rows

EVENTS = 2_000
"""Number of events to read per kind of event and kind of item."""

_FACTS = 5
"""Number of neighbours to read per item and relation."""


def preview_graph(url: str, schema: DomainSchema) -> Preview:
    """Read some events of a graph, and the facts of the items that have most of them. Raises StoreError."""
    connection = Connection(access_to(url))
    try:
        return connection.read(lambda transaction: _looked_at(transaction, schema))
    finally:
        connection.close()


def _looked_at(transaction: ManagedTransaction, schema: DomainSchema) -> Preview:
    seen = Seen()
    numbers: dict[tuple[str, str], int] = {}
    for kind, interaction in schema.interactions.items():
        for item_kind in interaction.items:
            for event, item in _events(transaction, schema, kind, interaction, item_kind):
                seen.write_events([event])
                numbers[event.item_kind, event.item] = item
    for item_kind, key in most_seen(seen):
        _look_at_item(transaction, schema, seen, item_kind, key, numbers[item_kind, key])
    shown = {(event.item_kind, event.item) for event in seen.events}
    for kind in {item_kind for item_kind, _ in shown}:
        # Events are shown with names, not keys.
        _look_at_nodes(transaction, schema, seen, kind, [numbers[end] for end in shown if end[0] == kind])
    return told(schema, seen)


def _events(
    transaction: ManagedTransaction, schema: DomainSchema, kind: str, interaction: InteractionKind, item_kind: str
) -> Iterator[tuple[Event, int]]:
    """Readable events with the server's numbers of their items."""
    user, item = schema.nodes[interaction.user], schema.nodes[item_kind]
    if user.key is None or item.key is None:
        return
    behaviour = behaviour_of(interaction)
    wanted = [plain("u", user.key), plain("i", item.key), behaviour.time or "null", behaviour.weight or "null"]
    columns = ", ".join(f"{expression} AS column{at}" for at, expression in enumerate(wanted))
    text = (
        f"MATCH {behaviour.pattern} WHERE {labelled('u', user.labels)} AND {labelled('i', item.labels)}"
        f"{behaviour.conditions.clause('AND')} RETURN {columns}, {number_of('i')} LIMIT $most"
    )
    records = rows(transaction, text, most=EVENTS, **behaviour.conditions.parameters)
    if not records:
        return
    users, items, times, weights, numbers = map(list, zip(*records, strict=True))
    missing = frozenset(schema.missing)
    seconds, _ = TimeColumn(interaction.time_format, interaction.timezone, missing).of(times, "time")
    marks, _ = weight_column(weights, "weight", missing)
    ends = zip(key_column(users, user.key)[0], key_column(items, item.key)[0], strict=True)
    for row, (who, what) in enumerate(ends):
        if who is not None and what is not None:
            time, weight = (None if number != number else float(number) for number in (seconds[row], marks[row]))
            yield Event(str(row), who, what, item_kind, kind, time, weight), numbers[row]


def _look_at_nodes(
    transaction: ManagedTransaction, schema: DomainSchema, seen: Seen, kind: str, numbers: Sequence[int]
) -> None:
    """Read nodes of a kind, with the relations in their properties."""
    columns = NodeProperties(kind, schema.nodes[kind])
    text = page_of_nodes(schema.nodes[kind], columns.properties, Conditions())
    page = first(transaction, text, nodes=node_prefix(transaction), ids=list(numbers))
    checked = columns.checked(page[1:], frozenset(schema.missing))
    for row, key in enumerate(checked.keys):
        if key is None or (kind, key) in seen.nodes:
            continue
        seen.write_nodes([NodeRow(kind, key, checked.labels[row] or key, "", checked.fields[row])])
        for link, named in zip(columns.links, checked.linked, strict=True):
            tails = schema.relation_name(link.relation, kind, link.target)
            seen.write_edges(tails, [EdgeRow(tails, key, tail) for tail in named[row]])


def _look_at_item(
    transaction: ManagedTransaction, schema: DomainSchema, seen: Seen, kind: str, key: str, item: int
) -> None:
    """Read an item and its neighbours in each relation."""
    _look_at_nodes(transaction, schema, seen, kind, [item])
    for name, relation in schema.relations.items():
        if relation.relationship is None or kind not in relation.head:
            continue
        for tail in relation.tail:
            node = schema.nodes[tail]
            if node.key is None or not node.labels:
                continue
            label = plain("t", node.label) if node.label else "null"
            text = (
                f"MATCH (n){arrow(relation.relationship, 'r')}({labelled('t', node.labels)})"
                f" WHERE {has_number('n', '$number')}"
                f" RETURN {plain('t', node.key)} AS key, {label} AS label LIMIT $most"
            )
            records: list[Any] = rows(transaction, text, nodes=node_prefix(transaction), number=item, most=_FACTS)
            resolved = schema.relation_name(name, kind, tail)
            keys, _ = key_column([record[0] for record in records], node.key)
            for end, (_, named) in zip(keys, records, strict=True):
                if end is not None:
                    seen.write_nodes([NodeRow(tail, end, str(named) if named is not None else end)])
                    seen.write_edges(resolved, [EdgeRow(resolved, key, end)])
