"""Describe a table of nodes as a node kind: its source, key, foreign keys, and other columns."""

from __future__ import annotations

from typing import Any

from kg.schema import Role, SourceFormat, SourceSpec
from kg.sources.guess.column_uses import Surroundings
from kg.sources.guess.describing import KindSection
from kg.sources.guess.profile import ColumnProfile, FileProfile
from kg.sources.guess.words import kind_name, plain


def source_of(spec: SourceSpec) -> Any:
    """A source in the short form that a user would write."""
    plain_spec = spec.model_dump(mode="json", exclude_defaults=True)
    return plain_spec["file"] if set(plain_spec) == {"file"} else plain_spec


def describe_nodes(
    file: FileProfile, kind: str, role: Role, key: ColumnProfile, links: dict[str, str], made: dict[str, str]
) -> tuple[dict[str, Any], list[str]]:
    """The section of a node kind, and notes.

    `links` are foreign keys, column -> kind. `made` collects the kinds that come from values: kind -> the relation's
    column.
    """
    sources = [source_of(part.spec) for part in file.parts] or source_of(file.spec)
    section = KindSection(kind, {"role": role.value, "source": sources, "key": key.name}, [], made, {kind})
    columns = [c for c in file.columns.values() if c is not key and c.name not in links and c.name and c.filled]
    section.describe(
        columns,
        columns,
        Surroundings(
            role,
            key,
            blanks=file.spec.resolved_format is SourceFormat.RECBOLE,
            headerless=file.spec.columns is not None,
        ),
    )
    for column, target in links.items():
        section.node.setdefault("links", {})[column] = {"target": target, "relation": _relation(kind, target, column)}
    return section.node, section.notes


def _relation(kind: str, target: str, column: str) -> str:
    if kind_name(column) in (target, f"{target}_id"):
        return f"has_{target}"
    name = plain(column)
    return f"has_{target}" if target.replace("_", "") in name else f"{kind_name(column)}_{target}"
