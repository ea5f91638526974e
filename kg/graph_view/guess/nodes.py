"""Guess a node kind from a label: its key, name, texts, fields and the relations in its properties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kg.graph_view.guess.profile import GraphProfile, LabelProfile
from kg.schema import Role
from kg.sources.guess.column_uses import Surroundings
from kg.sources.guess.describing import KindSection
from kg.sources.guess.words import named_like, plain, stem_of

_KEY_NAMES = ("id", "uuid", "key", "code", "sku", "isbn", "ean", "asin", "slug", "uri", "iri", "email", "username")
"""Names of keys, best first."""

_READABLE_NAMES = ("name", "title", "label", "caption")
"""Names that are keys only if nothing else is: two people may have one name."""


@dataclass(frozen=True)
class Key:
    """The property that identifies a kind's nodes, and a note about it."""

    property: str
    note: str


def key_of(profile: GraphProfile, label: LabelProfile) -> Key | None:
    """A property that is unique and present; else the closest one; None if no property could be a key."""
    possible = [
        property.column
        for property in label.properties.values()
        if not property.is_point
        and not property.column.lists
        and not property.column.times
        and property.column.mean_length < 200
        and (not property.column.is_number or property.column.is_integer)
        and not property.column.is_boolean
    ]
    if not possible:
        return None
    constrained = [candidate for candidate in possible if candidate.name in label.unique and candidate.missing == 0]
    unique = [candidate for candidate in possible if candidate.is_unique]
    ranked = sorted(constrained or unique, key=lambda candidate: _rank(label.label, candidate.name))
    for column in ranked[:3]:
        if column.name in label.unique:
            return Key(column.name, f"key {column.name} (a constraint keeps it unique)")
        looked, present, distinct = profile.uniqueness(label.label, column.name)
        if looked == present == distinct:
            seen = "" if looked == label.count else f" in the {looked:,} nodes that were looked at"
            return Key(column.name, f"key {column.name} (unique and present{seen})")
    best = max(possible, key=lambda candidate: (len(candidate.values), -_rank(label.label, candidate.name)[0]))
    looked, present, distinct = profile.uniqueness(label.label, best.name)
    return Key(
        best.name,
        f"NO property is unique and present; {best.name} is closest ({distinct:,} values in {looked:,} nodes,"
        f" {looked - present:,} without one): nodes without it, and further ones with the same, go to the quarantine",
    )


def _rank(label: str, name: str) -> tuple[int, str]:
    stem = stem_of(name)
    if stem in ("", plain(label)) and plain(name) != plain(label):
        return 0, name
    ranks = [at for at, word in enumerate(_KEY_NAMES, 1) if plain(name) == word or plain(name).endswith(word)]
    return (ranks[0] if ranks else 99 if named_like(name, _READABLE_NAMES) else 50), name


def describe_kind(
    label: LabelProfile, kind: str, role: Role, key: Key, taken: set[str], made: dict[str, str]
) -> tuple[dict[str, Any], list[str]]:
    """The section of a kind and the notes. `made` collects kinds that are created from values; `taken` are names of
    kinds with labels."""
    section = KindSection(
        kind, {"role": role.value, "labels": [label.label], "key": key.property}, [], made, {kind, *taken}
    )
    points = [name for name, property in label.properties.items() if property.is_point]
    if points:
        section.notes.append(f"{kind}: {', '.join(points)} left out; as a field of type text a place reads as text")
    columns = [
        property.column
        for name, property in label.properties.items()
        if name != key.property and not property.is_point and property.column.filled
    ]
    column = label.properties[key.property].column
    section.describe(columns, [column, *columns], Surroundings(role, column))
    return section.node, section.notes
