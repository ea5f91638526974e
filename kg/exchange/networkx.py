"""Convert a snapshot, or the neighbourhood of a node, to a labelled networkx MultiDiGraph, and such a graph back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from kg.errors import WhyPathError
from kg.graph import InteractionTable, KnowledgeGraph, RelationTable
from kg.rows import EdgeRow, Event, EventParts, NodeRow
from kg.schema import DomainSchema
from kg.sources import domain_from_networkx
from kg.sources.networkx_graph import edges_of


def to_networkx(
    graph: KnowledgeGraph,
    around: int | None = None,
    depth: int = 1,
    *,
    interactions: bool = False,
    hidden: bool = False,
    complete: bool = False,
) -> nx.MultiDiGraph:
    """Make a labelled networkx MultiDiGraph of the snapshot, or of the nodes within `depth` edges of the node `around`.

    Nodes are (kind, key) with attributes kind, key, label, role and fields (not the sensitive ones); edges have the
    relation's name as key and attributes relation and label. Users and events are included only with `interactions`,
    hidden relations only with `hidden`. With `complete` the graph has all that `from_networkx` needs to give an equal
    snapshot: also texts, sensitive fields and, as an attribute of the graph, the schema.
    """
    interactions, hidden = interactions or complete, hidden or complete
    users = set(graph.schema.user_kinds)
    relations = [
        relation
        for relation in graph.relations
        if (hidden or not relation.hidden) and (interactions or not users & {relation.head_kind, relation.tail_kind})
    ]
    events = graph.events if interactions else ()
    if around is None:
        kept = _all_of(graph, frozenset() if interactions else users)
    else:
        graph.kind_of(around)
        kept = _within(graph, around, depth, relations, events)
    if not hidden:
        kept &= ~graph.concealed
    result = nx.MultiDiGraph(name=graph.schema.name)
    if complete:
        result.graph[SCHEMA] = graph.schema.to_json()
    for node in np.flatnonzero(kept).tolist():
        kind, key, label = graph.node_of(node)
        role = str(graph.schema.nodes[kind].role)
        shown = _everything(graph, node) if complete else {"label": label or key, **_shown(graph, node)}
        result.add_node((kind, key), kind=kind, key=key, role=role, **shown)
    for relation in relations:
        heads, tails = _ends(graph, relation)
        both = kept[heads] & kept[tails]
        for head, tail in zip(heads[both].tolist(), tails[both].tolist(), strict=True):
            result.add_edge(
                graph.node_of(head)[:2],
                graph.node_of(tail)[:2],
                relation.name,
                relation=relation.name,
                label=relation.label,
            )
    for table in events:
        _add_events(result, graph, table, kept)
    return result


def _all_of(graph: KnowledgeGraph, without: Set[str]) -> NDArray[np.bool_]:
    """Which nodes are of none of the kinds `without`, bool [n nodes]."""
    kept = np.ones(graph.n_nodes, dtype=bool)
    for kind in without:
        kept[graph.offsets[kind] : graph.offsets[kind] + len(graph.nodes(kind))] = False
    return kept


def _add_events(
    result: nx.MultiDiGraph, graph: KnowledgeGraph, table: InteractionTable, kept: NDArray[np.bool_]
) -> None:
    """Add the events of a kind whose ends are kept."""
    label = graph.schema.interactions[table.kind].label
    for row, (user, item) in enumerate(zip(*_event_ends(graph, table), strict=True)):
        if kept[user] and kept[item]:
            attributes = {"weight": float(table.weights[row]), "time": float(table.times[row])}
            known = {name: value for name, value in attributes.items() if not np.isnan(value)}
            key = (table.kind, table.ids[row])
            ends = (graph.node_of(int(user))[:2], graph.node_of(int(item))[:2])
            result.add_edge(*ends, key, relation=table.kind, label=label, id=table.ids[row], **known)


SCHEMA = "whypath_schema"
"""Attribute of a complete graph with the domain's schema as JSON."""

_RESERVED = frozenset({"kind", "key", "label", "role", "text"})


def attribute_of(field: str) -> str:
    """Attribute of a node for a field; a field named like an attribute of every node gets the prefix `field_`."""
    return f"field_{field}" if field.removeprefix("field_") in _RESERVED else field


def _shown(graph: KnowledgeGraph, node: int) -> dict[str, object]:
    """Fields that may be shown."""
    return {attribute_of(name): value for name, value in graph.fields_of(node).items()}


def _everything(graph: KnowledgeGraph, node: int) -> dict[str, object]:
    kind = graph.kind_of(node)
    table, row = graph.nodes(kind), node - graph.offsets[kind]
    fields = {attribute_of(name): value for name in table.fields if (value := table.fields[name][row]) is not None}
    return {"label": table.labels[row], "text": table.texts[row], **fields}


def _ends(graph: KnowledgeGraph, relation: RelationTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    heads = relation.heads.astype(np.int64) + graph.offsets[relation.head_kind]
    return heads, relation.tails.astype(np.int64) + graph.offsets[relation.tail_kind]


def _event_ends(graph: KnowledgeGraph, table: InteractionTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return table.users.astype(np.int64) + graph.offsets[graph.schema.user_kinds[0]], table.items.astype(np.int64)


def _within(
    graph: KnowledgeGraph, around: int, depth: int, relations: list[RelationTable], events: tuple[InteractionTable, ...]
) -> NDArray[np.bool_]:
    """Mask [n_nodes] of the nodes that at most `depth` edges, in either direction, lead to."""
    reached = np.zeros(graph.n_nodes, dtype=bool)
    reached[around] = True

    def pairs() -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        for relation in relations:
            yield _ends(graph, relation)
        for table in events:
            yield _event_ends(graph, table)

    for _ in range(depth):
        before = reached.copy()
        for heads, tails in pairs():
            reached[tails[before[heads]]] = True
            reached[heads[before[tails]]] = True
        if np.array_equal(before, reached):
            break  # a greater depth finds no more
    return reached


def from_networkx(
    graph: nx.Graph, schema: DomainSchema | None = None, *, items: str | None = None, users: str | None = None
) -> KnowledgeGraph:
    """Make a snapshot of a networkx graph in the form that `to_networkx` gives.

    A graph of `to_networkx(complete=True)` gives a snapshot of equal content. For any other, `schema` describes kinds,
    fields, relations and interactions; without it they are derived from the attributes, and `items` and `users` name
    the item and the user kind where no attribute `role` does (see `kg.sources.domain_from_networkx`). Values are taken
    as they are, without the checks of a load. Raises WhyPathError for what the schema does not describe.
    """
    if schema is None:
        text = graph.graph.get(SCHEMA)
        schema = DomainSchema.from_json(text) if text else domain_from_networkx(graph, items=items, users=users)
    rows = {node: _node(schema, node, attributes) for node, attributes in graph.nodes(data=True)}
    edges: list[EdgeRow] = []
    events: dict[str, Event] = {}
    for head_node, tail_node, named, attributes in edges_of(graph):
        head, tail, relation = rows[head_node], rows[tail_node], str(named)
        interaction = schema.interactions.get(relation)
        if interaction is not None and head.kind in schema.user_kinds and tail.kind in interaction.items:
            event_id = None if attributes.get("id") is None else str(attributes["id"])
            parts = EventParts(time=attributes.get("time"), weight=attributes.get("weight"), id=event_id)
            event = Event.of(head.key, tail.key, tail.kind, relation, **parts)
            if events.setdefault(event.id, event) != event:
                raise WhyPathError(f"the graph has two interactions with the id {event.id!r} and different content")
        else:
            edges.append(EdgeRow(_relation(schema, relation, head.kind, tail.kind), head.key, tail.key))
    distinct = {(row.kind, row.key): row for row in rows.values()}
    if len(distinct) < len(rows):
        raise WhyPathError("two nodes of the graph have the same kind and key; give them different attributes `key`")
    return KnowledgeGraph.from_rows(schema, rows.values(), edges, events.values())


def _node(schema: DomainSchema, node: Any, attributes: Mapping[str, Any]) -> NodeRow:
    kind, key = str(attributes.get("kind", "thing")), str(attributes.get("key", node))
    if kind not in schema.nodes:
        raise WhyPathError(f"node {key!r}: the schema has no kind {kind!r}; it has {', '.join(sorted(schema.nodes))}")
    label, text = attributes.get("label"), attributes.get("text")
    fields = {name: attributes.get(attribute_of(name)) for name in schema.nodes[kind].fields}
    return NodeRow(kind, key, key if label is None else str(label), "" if text is None else str(text), fields)


def _relation(schema: DomainSchema, relation: str, head: str, tail: str) -> str:
    for name in (relation, f"{relation}.{head}.{tail}"):
        known = schema.relation_kinds.get(name)
        if known is not None and (known.head, known.tail) == (head, tail):
            return name
    raise WhyPathError(f"the schema has no relation {relation!r} from {head} to {tail}")
