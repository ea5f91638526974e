"""Describe a networkx graph as a domain: derive kinds, relations and interactions from the attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kg.schema import DomainSchema, Role
from kg.sources.records import SourceError

TABLE = "graph"
"""Name under which the described domain expects the graph: `load_domain(schema, store, tables={TABLE: graph})`."""

_OWN = frozenset({"kind", "key", "label", "role", "text"})
"""Attributes of nodes with a special meaning; all others become fields."""

_TYPES: tuple[tuple[type, str], ...] = ((bool, "boolean"), (int, "integer"), (float, "number"))


@dataclass
class _Kind:
    role: str | None = None
    attributes: dict[str, set[type]] = field(default_factory=dict)


def domain_from_networkx(
    graph: Any, *, items: str | None = None, users: str | None = None, name: str = "graph"
) -> DomainSchema:
    """Describe a networkx graph as a domain that reads from it.

    Nodes have the attribute `kind` ("thing" where absent), and may have `key` (else the node itself is the key),
    `label`, `text`, `role` and fields of any name. `items` and `users` name the item and the user kind where no `role`
    does. Edges have the attribute `relation` or, in a multigraph, the relation as their key. Edges from users to items
    are interactions (with `weight`, `time` and `id` where they have them), all others relations, whose words are their
    attribute `label`. `kg.exchange.networkx.to_networkx` gives this form. Raises `SourceError` where the graph does not
    tell items and users.
    """
    kinds = _kinds(graph)
    for kind, role in ((items, Role.ITEM), (users, Role.USER)):
        if kind is not None and kind not in kinds:
            raise SourceError(f"the graph has no nodes of the kind {kind!r}; its kinds are {', '.join(sorted(kinds))}")
        if kind is not None:
            kinds[kind].role = role.value
    item_kinds = {kind for kind, described_kind in kinds.items() if described_kind.role == Role.ITEM}
    user_kinds = {kind for kind, described_kind in kinds.items() if described_kind.role == Role.USER}
    if not item_kinds or len(user_kinds) != 1:
        raise SourceError(
            "the graph does not say which nodes are items and which are users: give `items=` and `users=`, or the "
            f"nodes an attribute `role`; its kinds are {', '.join(sorted(kinds))}"
        )
    described: dict[str, Any] = {"name": name, "nodes": {}, "relations": {}, "interactions": {}}
    for kind, described_kind in sorted(kinds.items()):
        described["nodes"][kind] = _node_section(kind, described_kind)
    for (relation, head, tail), edge in sorted(_edges(graph).items()):
        where = {"relation": relation, "head_kind": head, "tail_kind": tail}
        if head in user_kinds and tail in item_kinds:
            section = described["interactions"].setdefault(relation, {"source": {"table": TABLE}, "items": []})
            columns = {"user": "head", "item": "tail", "item_kind": "tail_kind"}
            section["columns"] = columns | {c: c for c in ("weight", "time", "id") if c in edge}
            section["items"].append(tail)
            section["where"] = {"relation": relation, "head_kind": head, "tail_kind": section["items"]}
            section["label"] = str(edge.get("label", "liked"))
        else:
            ends = {"head": head, "tail": tail}
            unique = relation if relation not in described["relations"] else f"{relation}.{head}.{tail}"
            section = {"source": {"table": TABLE}, **ends, "where": where}
            described["relations"][unique] = section | ({"label": str(edge["label"])} if "label" in edge else {})
    return DomainSchema.from_mapping(described, "the description of the graph")


def edges_of(graph: Any) -> Iterator[tuple[Any, Any, Any, Mapping[str, Any]]]:
    """(head, tail, relation, attributes) of each edge; without the attribute `relation` it is the key of a multigraph's
    edge, else "related".
    """
    edges = graph.edges(keys=True, data=True) if graph.is_multigraph() else graph.edges(data=True)
    for head, tail, *key, attributes in edges:
        yield head, tail, attributes.get("relation", key[0] if key else "related"), attributes


def _kinds(graph: Any) -> dict[str, _Kind]:
    kinds: dict[str, _Kind] = {}
    for _, attributes in graph.nodes(data=True):
        kind = kinds.setdefault(str(attributes.get("kind", "thing")), _Kind())
        if "role" in attributes:
            kind.role = str(attributes["role"])
        for attribute, value in attributes.items():
            if value is not None:
                kind.attributes.setdefault(str(attribute), set()).add(type(value))
    return kinds


def _edges(graph: Any) -> dict[tuple[str, str, str], Mapping[str, Any]]:
    """(relation, head kind, tail kind) -> attributes of its first edge."""
    first_attributes: dict[tuple[str, str, str], Mapping[str, Any]] = {}
    for head, tail, relation, attributes in edges_of(graph):
        head_kind, tail_kind = (str(graph.nodes[n].get("kind", "thing")) for n in (head, tail))
        first_attributes.setdefault((str(relation), head_kind, tail_kind), attributes)
    return first_attributes


def _node_section(kind: str, node: _Kind) -> dict[str, Any]:
    section: dict[str, Any] = {"role": node.role or Role.ENTITY.value, "source": {"table": TABLE}, "key": "@id"}
    section["where"] = {"kind": kind}
    section |= {attribute: attribute for attribute in ("label", "text") if attribute in node.attributes}
    fields = {}
    for attribute, types in sorted(node.attributes.items()):
        if attribute not in _OWN:
            fields[attribute] = next((name for kind_of, name in _TYPES if types == {kind_of}), None) or (
                "number" if types == {int, float} else "categorical"
            )
    return section | ({"fields": fields} if fields else {})
