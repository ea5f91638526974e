"""Find node kinds that share a space of ids, in which one key cannot be of two kinds."""

from __future__ import annotations

from collections.abc import Iterable

from kg.schema import DomainSchema, Role, SourceFormat, SourceSpec

_GLOBAL_IDS = (SourceFormat.RDF, SourceFormat.TRIPLES)


def rivals_of(schema: DomainSchema) -> dict[str, tuple[str, ...]]:
    """Node kind -> the kinds that must not have a node of the same key.

    Kinds with the same `namespace` are rivals. By default an item kind and an entity kind are rivals if their keys are
    ids of one space: both read from RDF, both read from the same file and key column, or both at the ends of relations
    of one triples or RDF file (without an item map, which declares two spaces). Then a row that makes an item an entity
    is a mistake. Entity kinds may share keys: a word can be a genre and a tag.
    """
    rivals: dict[str, set[str]] = {kind: set() for kind in schema.nodes}
    for space in _spaces(schema):
        unsaid = [k for k in space if schema.nodes[k].namespace is None and schema.nodes[k].role is not Role.USER]
        for kind in unsaid:
            rivals[kind].update(k for k in unsaid if schema.nodes[k].role is not schema.nodes[kind].role)
    for kind, node in schema.nodes.items():
        if node.namespace is not None:
            rivals[kind].update(
                k for k, other in schema.nodes.items() if k != kind and other.namespace == node.namespace
            )
    return {kind: tuple(sorted(others)) for kind, others in rivals.items()}


def _spaces(schema: DomainSchema) -> Iterable[set[str]]:
    """The kinds whose keys are ids of one space, for each space."""
    spaces: dict[str, set[str]] = {}
    for kind, node in schema.nodes.items():
        for source in node.source:
            spaces.setdefault(_space(source, node.key or ""), set()).add(kind)
    for relation in schema.relations.values():
        for source in relation.source:
            if source.resolved_format in _GLOBAL_IDS and source.map is None:
                spaces.setdefault(_space(source, ""), set()).update((*relation.head, *relation.tail))
    return spaces.values()


def _space(source: SourceSpec, column: str) -> str:
    return "rdf" if source.resolved_format is SourceFormat.RDF else f"{source.name}\n{column}"
