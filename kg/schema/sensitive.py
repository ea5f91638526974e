"""Check that a sensitive column is read as a sensitive field only, so that it is never shown."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from kg.redacting import quoted
from kg.schema.sources import SourceSpec

if TYPE_CHECKING:
    from kg.schema.domain import DomainSchema

Column = tuple[str, str]
"""A file, table or label, and a column or property of it."""


def sensitive_problems(schema: DomainSchema) -> Iterator[str]:
    """Yield places where a sensitive column would be shown, and rules that would reveal its values."""
    sensitive = {
        column: f"nodes.{kind}.fields.{name}"
        for kind, node in schema.nodes.items()
        for name, field in node.fields.items()
        if field.sensitive
        for column in _columns(node.source, node.labels, [field.column or name])
    }
    reported: set[tuple[str, str]] = set()
    for place, column in _shown_columns(schema):
        where = sensitive.get(column)
        if where is not None and (where, place) not in reported:
            reported.add((where, place))
            yield (
                f"{where}: the column {quoted(column[1])} is sensitive, and {place} reads it too, from where"
                " it would be shown; drop one of the two"
            )
    for kind, node in schema.nodes.items():
        rule = node.available
        if rule is not None and rule.field in node.fields and node.fields[rule.field].sensitive:
            yield (
                f"nodes.{kind}.available: the field {quoted(rule.field)} is sensitive, and lists of what is available"
                " would reveal its values; give another field, or drop `sensitive`"
            )


def _shown_columns(schema: DomainSchema) -> Iterator[tuple[str, Column]]:
    """(place in the description, column) of everything that can be shown, without sensitive fields."""
    for kind, node in schema.nodes.items():
        section = f"nodes.{kind}"
        reads: list[tuple[str, Iterable[str]]] = [
            (f"{section}.key", filter(None, (node.key,))),
            (f"{section}.label", filter(None, (node.label,))),
            (f"{section}.text", node.text or ()),
            (f"{section}.image", filter(None, (node.image,))),
            *((f"{section}.lists.{column}", (column,)) for column in node.lists),
            *((f"{section}.links.{column}", (column,)) for column in node.links),
            *(
                (f"{section}.fields.{name}", (field.column or name,))
                for name, field in node.fields.items()
                if not field.sensitive
            ),
        ]
        for place, names in reads:
            yield from ((place, column) for column in _columns(node.source, node.labels, names))
    for name, relation in schema.relations.items():
        ends = (relation.columns.head, relation.columns.tail)
        yield from ((f"relations.{name}", column) for column in _columns(relation.source, (), ends))
    for name, interaction in schema.interactions.items():
        columns = interaction.columns
        if columns is None:
            continue
        used = (columns.user, columns.item, columns.weight, columns.time, columns.id, columns.item_kind)
        tables = {table: linking.source for table, linking in interaction.via.items()}
        for read in filter(None, used):
            table, _, rest = read.partition(".")
            if table in tables and rest:
                shown = _columns((tables[table],), (), (rest,))
            else:
                shown = _columns(interaction.source, (), (read,))
            yield from ((f"interactions.{name}", column) for column in shown)


def _columns(sources: Iterable[SourceSpec], labels: Iterable[str], names: Iterable[str]) -> Iterator[Column]:
    origins = [*(posixpath.normpath(source.name) for source in sources), *(f":{label}" for label in labels)]
    for name in names:
        yield from ((origin, name) for origin in origins)
