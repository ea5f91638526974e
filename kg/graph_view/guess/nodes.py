"""A label as a node kind: its key, name, texts, fields and the relations that its properties say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kg.graph_view.guess.profile import GraphProfile, LabelProfile
from kg.schema import Role
from kg.sources.guess.list_forms import list_form
from kg.sources.guess.profile import ColumnProfile
from kg.sources.guess.values import field_of, is_category, label_column
from kg.sources.guess.words import TEXT_WORDS, is_sensitive, kind_name, named_like, plain, stem_of

_LONG_TEXT = 40
"""Characters on average from which a property reads like prose."""

_KEY_NAMES = ("id", "uuid", "key", "code", "sku", "isbn", "ean", "asin", "slug", "uri", "iri", "email", "username")
"""What keys are called, best first."""

_READABLE_NAMES = ("name", "title", "label", "caption")
"""What is a key only where nothing else is: two people may have one name."""


@dataclass(frozen=True)
class Key:
    """The property that a kind's nodes are known by, and what is to be said of it."""

    property: str
    note: str


def key_of(profile: GraphProfile, label: LabelProfile) -> Key | None:
    """A property that is unique and present; else the closest; None where no property could be a key."""
    possible = [
        each.column
        for each in label.properties.values()
        if not each.is_point
        and not each.column.lists
        and not each.column.times
        and each.column.mean_length < 200
        and (not each.column.is_number or each.column.is_integer)
        and not each.column.is_boolean
    ]
    if not possible:
        return None
    constrained = [each for each in possible if each.name in label.unique and each.missing == 0]
    unique = [each for each in possible if each.is_unique]
    ranked = sorted(constrained or unique, key=lambda each: _rank(label.label, each.name))
    for column in ranked[:3]:
        if column.name in label.unique:
            return Key(column.name, f"key {column.name} (a constraint keeps it unique)")
        looked, present, distinct = profile.uniqueness(label.label, column.name)
        if looked == present == distinct:
            seen = "" if looked == label.count else f" in the {looked:,} nodes that were looked at"
            return Key(column.name, f"key {column.name} (unique and present{seen})")
    best = max(possible, key=lambda each: (len(each.values), -_rank(label.label, each.name)[0]))
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
    found = [at for at, word in enumerate(_KEY_NAMES, 1) if plain(name) == word or plain(name).endswith(word)]
    return (found[0] if found else 99 if named_like(name, _READABLE_NAMES) else 50), name


def describe_kind(
    label: LabelProfile, kind: str, role: Role, key: Key, taken: set[str], made: dict[str, str]
) -> tuple[dict[str, Any], list[str]]:
    """The section of a kind and what was guessed. `made` collects kinds that are made of values; `taken` are names
    of kinds with labels."""
    notes: list[str] = []
    node: dict[str, Any] = {"role": role.value, "labels": [label.label], "key": key.property}
    points = [name for name, each in label.properties.items() if each.is_point]
    if points:
        notes.append(f"{kind}: {', '.join(points)} left out; as a field of type text a place reads as text")
    rest = [
        each.column
        for name, each in label.properties.items()
        if name != key.property and not each.is_point and each.column.filled
    ]
    own = label.properties[key.property].column
    named = label_column([c for c in [own, *rest] if not (role is Role.USER and is_sensitive(c.name))], kind)
    if named is not None and (role is not Role.USER or named_like(named.name, ("name",))):
        node["label"] = named.name
        rest = [each for each in rest if each is not named]
    texts = [each for each in rest if _is_text(each)] if role is not Role.USER else []
    if texts:
        node["text"] = [*([node["label"]] if "label" in node else []), *(each.name for each in texts)]
    for column in rest:
        if column in texts:
            continue
        sensitive = role is Role.USER and is_sensitive(column.name)
        if role is not Role.USER and column.lists:
            if list_form(column, blanks=False) is not None and not _are_numbers(column):
                _link(node, "lists", column, kind, taken, made)
                notes.append(f"{kind}.{column.name} holds several values: each becomes a relation")
            else:
                notes.append(f"{kind}.{column.name}: lists without recurring values, left out")
            continue
        described = field_of(column, sensitive=sensitive)
        if described is None:
            continue
        if described["type"] == "categorical" and role is not Role.USER and is_category(column):
            _link(node, "links", column, kind, taken, made)
            notes.append(f"{kind}.{column.name} has {len(column.values)} recurring values: each becomes a node")
            continue
        if column.is_unique and described["type"] == "integer" and stem_of(column.name) != plain(column.name):
            continue  # an id of some other system
        node.setdefault("fields", {})[column.name] = described["type"] if set(described) == {"type"} else described
        if sensitive:
            notes.append(f"{kind}.{column.name} is marked sensitive: never shown")
    return node, notes


def _is_text(column: ColumnProfile) -> bool:
    if column.is_number or column.lists or column.times:
        return False
    if named_like(column.name, TEXT_WORDS):
        return not is_category(column)
    return column.mean_length > _LONG_TEXT and len(column.values) > 0.5 * column.filled


def _are_numbers(column: ColumnProfile) -> bool:
    """Whether the lists hold numbers, such as the vectors of an embedding."""
    return all(part.replace(".", "").replace("-", "").replace("e", "").isdigit() for part in list(column.parts)[:50])


def _link(
    node: dict[str, Any], section: str, column: ColumnProfile, kind: str, taken: set[str], made: dict[str, str]
) -> None:
    target = kind_name(column.name)
    while target in taken:
        target += "_value"
    made.setdefault(target, column.name)
    words = f"has {kind_name(column.name).replace('_', ' ')}"
    node.setdefault(section, {})[column.name] = {"target": target, "relation": f"has_{target}", "label": words}
