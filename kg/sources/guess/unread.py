"""Columns of the files that a description does not read, by name: what a guess has left out must be seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kg.schema import DomainSchema, SourceSpec
from kg.sources.guess.profile import FileProfile


def unread_columns(schema: DomainSchema, files: Sequence[FileProfile]) -> Iterator[tuple[FileProfile, list[str]]]:
    """The files that have columns which the description does not read, with these in the file's order."""
    read: dict[str, set[str]] = {}
    for spec, columns in _read(schema):
        read.setdefault(spec.file or "", set()).update(columns)
    for file in files:
        known = read.get(file.spec.file or "")
        left = [name for name in file.columns if name and known is not None and name not in known]
        if left:
            yield file, left


def _read(schema: DomainSchema) -> Iterator[tuple[SourceSpec, set[str]]]:
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
