"""List the files that a description names."""

from __future__ import annotations

from collections.abc import Iterator

from kg.schema.domain import DomainSchema


def file_names(schema: DomainSchema) -> Iterator[str]:
    """Paths of the files, relative to the description's folder, with repeats."""
    specs = [s for node in schema.nodes.values() for s in node.source]
    specs += [s for relation in schema.relations.values() for s in relation.source]
    for interaction in schema.interactions.values():
        specs += [*interaction.source, *(table.source for table in interaction.via.values())]
    for spec in specs:
        if spec.file is not None:
            yield spec.file
        if spec.map is not None:
            yield spec.map.file
