"""A snapshot of a networkx graph: one that `KnowledgeGraph.to_networkx` gave, or somebody else's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kg.errors import WhyPathError
from kg.graph.building import graph_of_rows
from kg.graph.networkx_export import SCHEMA, attribute_of
from kg.graph.parts import GraphParts
from kg.rows import EdgeRow, Event, NodeRow
from kg.schema import DomainSchema
from kg.sources.networkx_graph import domain_from_networkx


def parts_of_networkx(graph: Any, schema: DomainSchema | None, *, items: str | None, users: str | None) -> GraphParts:
    """The tables of a networkx graph, in the form that `to_networkx` gives.

    One of `to_networkx(complete=True)` gives a snapshot of equal content. For any other, `schema` describes kinds,
    fields, relations and interactions; without it they are read off the attributes, and `items` and `users` name the
    item and the user kind where no attribute `role` does (see `kg.sources.domain_from_networkx`). Values are taken as
    they are, without the checks of a load.
    """
    if schema is None:
        said = graph.graph.get(SCHEMA)
        schema = DomainSchema.from_json(said) if said else domain_from_networkx(graph, items=items, users=users)
    rows = {node: _node(schema, node, attributes) for node, attributes in graph.nodes(data=True)}
    edges: list[EdgeRow] = []
    events: dict[str, Event] = {}
    for head_node, tail_node, relation, attributes in _edges(graph):
        head, tail = rows[head_node], rows[tail_node]
        interaction = schema.interactions.get(relation)
        if interaction is not None and head.kind in schema.user_kinds and tail.kind in interaction.items:
            numbers = {name: float(attributes[name]) for name in ("weight", "time") if attributes.get(name) is not None}
            event_id = None if attributes.get("id") is None else str(attributes["id"])
            event = Event.of(head.key, tail.key, tail.kind, relation, id=event_id, **numbers)
            if events.setdefault(event.id, event) != event:
                raise WhyPathError(f"the graph has two interactions with the id {event.id!r} and different content")
        else:
            edges.append(EdgeRow(_relation(schema, relation, head.kind, tail.kind), head.key, tail.key))
    distinct = {(row.kind, row.key): row for row in rows.values()}
    if len(distinct) < len(rows):
        raise WhyPathError("two nodes of the graph have the same kind and key; give them different attributes `key`")
    return graph_of_rows(schema, rows.values(), edges, events.values())


def _node(schema: DomainSchema, node: Any, attributes: Mapping[str, Any]) -> NodeRow:
    kind, key = str(attributes.get("kind", "thing")), str(attributes.get("key", node))
    if kind not in schema.nodes:
        raise WhyPathError(f"node {key!r}: the schema has no kind {kind!r}; it has {', '.join(sorted(schema.nodes))}")
    label, text = attributes.get("label"), attributes.get("text")
    fields = {name: attributes.get(attribute_of(name)) for name in schema.nodes[kind].fields}
    return NodeRow(kind, key, key if label is None else str(label), "" if text is None else str(text), fields)


def _edges(graph: Any) -> Any:
    """(head, tail, relation, attributes) of each edge."""
    if graph.is_multigraph():
        for head, tail, key, attributes in graph.edges(keys=True, data=True):
            yield head, tail, str(attributes.get("relation", key)), attributes
    else:
        for head, tail, attributes in graph.edges(data=True):
            yield head, tail, str(attributes.get("relation", "related")), attributes


def _relation(schema: DomainSchema, relation: str, head: str, tail: str) -> str:
    for name in (relation, f"{relation}.{head}.{tail}"):
        known = schema.relation_kinds.get(name)
        if known is not None and (known.head, known.tail) == (head, tail):
            return name
    raise WhyPathError(f"the schema has no relation {relation!r} from {head} to {tail}")
