"""A table of nodes: label, text, fields, lists and links out of its columns."""

from __future__ import annotations

from itertools import islice
from typing import Any

from kg.schema import Role, SourceFormat, SourceSpec
from kg.sources.guess.list_forms import SURE_SEPARATORS, ListForm, is_written_list, list_form, parts_of, recur
from kg.sources.guess.profile import ColumnProfile, FileProfile
from kg.sources.guess.values import field_of, is_category, is_url, label_column
from kg.sources.guess.words import (
    PERSON_NAMES,
    TEXT_WORDS,
    is_sensitive,
    kind_name,
    leads_to_own,
    named_like,
    plain,
    stem_of,
)

_LONG_TEXT = 40
"""Characters on average from which a column reads like prose."""

_TRIED = 100
"""Different texts that are looked at."""

_OWN_SHARE = 0.5
"""Share of the values of a column such as `similar` that must be keys of its own table."""

_AVAILABLE = {
    "available": True,
    "instock": True,
    "active": True,
    "isactive": True,
    "discontinued": False,
    "deleted": False,
}
"""Names of boolean columns that say whether an item can be had, and the value that says that it can."""


def source_of(spec: SourceSpec) -> Any:
    """A source in the short form that a person would write."""
    plain_spec = spec.model_dump(mode="json", exclude_defaults=True)
    return plain_spec["file"] if set(plain_spec) == {"file"} else plain_spec


def describe_nodes(
    file: FileProfile, kind: str, role: Role, key: ColumnProfile, links: dict[str, str], made: dict[str, str]
) -> tuple[dict[str, Any], list[str]]:
    """The section of a node kind, and what was guessed.

    `links` are foreign keys, column -> kind. `made` collects the kinds that come from values: kind -> the relation's
    column. Columns of items and entities with recurring values become relations, so that they connect; those of users
    stay fields.
    """
    notes: list[str] = []
    sources = [source_of(part.spec) for part in file.parts] or source_of(file.spec)
    node: dict[str, Any] = {"role": role.value, "source": sources, "key": key.name}
    rest = [c for c in file.columns.values() if c is not key and c.name not in links and c.name and c.filled]
    label = label_column([c for c in rest if not (role is Role.USER and is_sensitive(c.name))], kind)
    if label is not None and (role is not Role.USER or named_like(label.name, PERSON_NAMES)):
        node["label"] = label.name
        rest.remove(label)
    else:
        label = None
    texts = [c for c in rest if not c.is_number and _is_text(c)] if role is not Role.USER else []
    if texts:
        node["text"] = [*([label.name] if label is not None else []), *(c.name for c in texts)]
    blanks = file.spec.resolved_format is SourceFormat.RECBOLE
    headerless = file.spec.columns is not None
    # What separates the values of one column, of others as well, be they ever so few.
    forms = [form for c in rest if c not in texts and (form := list_form(c, blanks=blanks)) is not None]
    usual = next((form.separator for form in forms if form.separator is not None), None)
    for column in rest:
        if column in texts:
            continue
        sensitive = role is Role.USER and is_sensitive(column.name)
        if role is not Role.USER and (form := list_form(column, blanks=blanks, usual=usual)) is not None:
            own = leads_to_own(column.name) and _parts_in(column, form, key) >= _OWN_SHARE
            _relate(node, "lists", column, kind, made, form, to=kind if own else None)
            notes.append(f"{kind}.{column.name} holds several values: each becomes a relation")
            continue
        if column.lists and leads_to_own(column.name) and role is not Role.USER:
            if _parts_in(column, ListForm(), key) >= _OWN_SHARE:
                _relate(node, "lists", column, kind, made, ListForm(), to=kind)
                notes.append(f"{kind}.{column.name} leads to others of {kind}")
            continue
        if leads_to_own(column.name) and column.share_in(key) >= _OWN_SHARE and role is not Role.USER:
            _relate(node, "links", column, kind, made, None, to=kind)
            notes.append(f"{kind}.{column.name} leads to another {kind}")
            continue
        described = field_of(column, sensitive=sensitive)
        if described is None or is_written_list(column) or is_url(column):
            continue
        if described["type"] == "categorical" and role is not Role.USER and is_category(column):
            _relate(node, "links", column, kind, made, None)
            notes.append(f"{kind}.{column.name} has {len(column.values)} recurring values: each becomes a node")
            continue
        if column.is_unique and described["type"] == "integer" and stem_of(column.name) != plain(column.name):
            continue  # an id of some other system
        if described["type"] == "integer" and role is not Role.USER and _is_code(column, headerless=headerless):
            _relate(node, "links", column, kind, made, None)
            notes.append(f"{kind}.{column.name} has {len(column.values)} recurring codes: each becomes a node")
            continue
        if role is Role.ITEM and described["type"] == "boolean" and plain(column.name) in _AVAILABLE:
            equals = _AVAILABLE[plain(column.name)]
            node["available"] = column.name if equals else {"field": column.name, "equals": False}
            notes.append(f"{kind}.{column.name} says which items can be had (`available`)")
        node.setdefault("fields", {})[column.name] = described["type"] if set(described) == {"type"} else described
        if "missing" in described:
            odd = ", ".join(described["missing"])
            notes.append(f"{kind}.{column.name} is a number but for {odd}: read as no value")
        if sensitive:
            notes.append(f"{kind}.{column.name} is marked sensitive: never shown")
    for column, target in links.items():
        node.setdefault("links", {})[column] = {"target": target, "relation": _relation(kind, target, column)}
    return node, notes


def _is_code(column: ColumnProfile, *, headerless: bool) -> bool:
    """Whether whole numbers that recur are codes of something, by name (`categoryId`) or where nothing has a name."""
    named = stem_of(column.name) != plain(column.name) or headerless
    return named and 1 < len(column.values) <= column.filled / 3 and not 1900 <= column.low <= column.high < 2101


def _parts_in(column: ColumnProfile, form: ListForm, key: ColumnProfile) -> float:
    """Share of the different values in a column's lists that are keys."""
    parts = set(column.parts) if column.lists else {p for v in column.values for p in parts_of(v, form)}
    return sum(part in key.values for part in parts) / len(parts) if parts else 0.0


def _is_text(column: ColumnProfile) -> bool:
    if is_url(column) or is_written_list(column):
        return False
    named = named_like(column.name, TEXT_WORDS)
    if column.lists:
        return named and not recur(column.parts)
    if named and not is_category(column):
        return True
    form = list_form(column, blanks=False)
    if named or (form is not None and form.separator in SURE_SEPARATORS):
        return False
    if column.mean_length <= _LONG_TEXT:
        return False
    return len(column.values) > 0.5 * column.filled or _is_prose(column)


def _is_prose(column: ColumnProfile) -> bool:
    """Whether most of it are sentences: ten words and more, among them one that begins small."""
    texts = [value.split() for value in islice(column.values, _TRIED)]
    return sum(len(words) >= 10 and any(word.islower() for word in words) for words in texts) > 0.5 * len(texts)


def _relate(
    node: dict[str, Any],
    section: str,
    column: ColumnProfile,
    kind: str,
    made: dict[str, str],
    form: ListForm | None,
    to: str | None = None,
) -> None:
    """`to` is the kind that the values are keys of; None for one that is made of them."""
    target = kind_name(column.name)
    if target == kind and to is None:
        target = f"{target}_value"
    if to is None:
        made.setdefault(target, column.name)
    described: dict[str, Any] = {
        "target": to or target,
        "relation": f"has_{target}" if to is None else target,
        "label": f"has {target.replace('_', ' ')}" if to is None else target.replace("_", " "),
    }
    if form is not None:
        described |= form.described
    node.setdefault(section, {})[column.name] = described


def _relation(kind: str, target: str, column: str) -> str:
    if kind_name(column) in (target, f"{target}_id"):
        return f"has_{target}"
    name = plain(column)
    return f"has_{target}" if target.replace("_", "") in name else f"{kind_name(column)}_{target}"
