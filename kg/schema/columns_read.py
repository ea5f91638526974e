"""List the columns of the sources that a description reads, and the use of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from kg.schema.domain import DomainSchema
from kg.schema.interactions import EventRule, InteractionKind
from kg.schema.nodes import NodeKind
from kg.schema.sources import SourceSpec

Uses: TypeAlias = Mapping[str, list[str]]
"""Column -> its use, in words."""


def columns_read(schema: DomainSchema) -> Iterator[tuple[SourceSpec, Uses]]:
    """Yield each source with the columns that a section reads from it; once per section that reads it."""
    for kind, node in schema.nodes.items():
        uses = _uses(_of_node(kind, node))
        for spec in node.source:
            yield spec, uses
    for name, relation in schema.relations.items():
        columns = relation.columns
        uses_of = [(columns.head, f"head of {name}"), (columns.tail, f"tail of {name}")]
        uses_of += [(column, f"picks the rows of {name}") for column in relation.where]
        if not relation.where:
            uses_of += [("relation", "name of the relation"), ("relation_id", "name of the relation")]
        for spec in relation.source:
            yield spec, _uses(uses_of)
            if spec.map is not None:
                pairs = [(spec.map.item, "item of an id map"), (spec.map.entity, "entity of an id map")]
                yield SourceSpec(file=spec.map.file, format=spec.map.format), _uses(pairs)
    for kind, interaction in schema.interactions.items():
        uses_of = list(_of_interaction(kind, interaction))
        for spec in interaction.source:
            yield spec, _uses((column, use) for column, use in uses_of)
        for name, table in interaction.via.items():
            joined = [(c.removeprefix(f"{name}."), use) for c, use in uses_of if c and c.startswith(f"{name}.")]
            yield table.source, _uses([(table.key, f"key that joins {name} to {kind}"), *joined])


def _uses(columns: Iterable[tuple[str | None, str]]) -> Uses:
    uses: dict[str, list[str]] = {}
    for column, use in columns:
        if column and use not in uses.setdefault(column, []):
            uses[column].append(use)
    return uses


def _of_node(kind: str, node: NodeKind) -> Iterator[tuple[str | None, str]]:
    yield node.key, f"key of {kind}"
    yield node.label, f"label of {kind}"
    for column in node.text_columns:
        yield column, f"text of {kind}"
    yield node.image, f"image of {kind}"
    for column, many in node.lists.items():
        yield column, f"facts of {kind}, several in a cell: {many.relation or column} → {many.target}"
    for column, link in node.links.items():
        yield column, f"facts of {kind}: {link.relation or column} → {link.target}"
    for name, field in node.fields.items():
        yield field.column or name, f"field of {kind} ({field.type}{', sensitive' if field.sensitive else ''})"
    for column in node.where:
        yield column, f"picks the rows of {kind}"


def _of_interaction(kind: str, interaction: InteractionKind) -> Iterator[tuple[str | None, str]]:
    columns = interaction.columns
    if columns is None:
        return
    yield columns.user, f"user of {kind}"
    yield columns.item, f"item of {kind}"
    yield columns.time, f"time of {kind} ({interaction.time_format})"
    rules = f"{_bounds('liked', interaction.positive)}{_bounds('disliked', interaction.negative)}"
    yield columns.weight, f"weight of {kind}{rules}"
    yield columns.id, f"id of {kind}"
    yield columns.item_kind, f"kind of the item of {kind}"
    for column in interaction.where:
        yield column, f"picks the rows of {kind}"
    for name, table in interaction.via.items():
        yield table.match or table.key, f"leads to {name} of {kind}"


def _bounds(what: str, rule: EventRule) -> str:
    ends = [f"from {rule.min_weight:g}"] if rule.min_weight is not None else []
    ends += [f"up to {rule.max_weight:g}"] if rule.max_weight is not None else []
    return f", {what} {' '.join(ends)}" if ends else ""
