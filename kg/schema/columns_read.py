"""The columns that a description reads of each of its sources."""

from __future__ import annotations

from collections.abc import Iterator

from kg.schema.domain import DomainSchema
from kg.schema.sources import SourceSpec


def columns_read(schema: DomainSchema) -> Iterator[tuple[SourceSpec, set[str]]]:
    """Each source with the columns that a section reads of it; one that several sections read comes several times."""
    for node in schema.nodes.values():
        columns = {node.key or "", node.label or "", *node.text_columns, *node.lists, *node.links, *node.where}
        columns |= {spec.column or name for name, spec in node.fields.items()}
        for spec in node.source:
            yield spec, columns
    for relation in schema.relations.values():
        for spec in relation.source:
            yield spec, {relation.columns.head, relation.columns.tail, "relation", "relation_id", *relation.where}
            if spec.map is not None:
                yield SourceSpec(file=spec.map.file, format=spec.map.format), {spec.map.item, spec.map.entity}
    for interaction in schema.interactions.values():
        named = interaction.columns
        if named is None:
            continue
        columns = {*filter(None, (named.user, named.item, named.weight, named.time, named.id, named.item_kind))}
        columns |= {*interaction.where, *(table.match or table.key for table in interaction.via.values())}
        for spec in interaction.source:
            yield spec, columns
        for name, table in interaction.via.items():
            yield table.source, {table.key, *(c.removeprefix(f"{name}.") for c in columns if c.startswith(f"{name}."))}
