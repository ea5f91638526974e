"""Describe other tables that connect nodes: users with users, items with properties, categories."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kg.sources.guess.node_tables import source_of
from kg.sources.guess.profile import ColumnProfile, FileProfile, records_of
from kg.sources.guess.values import time_format
from kg.sources.guess.words import SOCIAL_NAME, is_user_name, kind_name, plain, stem_of, untaken

_KNOWN = 0.9
"""Minimum share of a column's values that are known users."""

_PARENT = re.compile(r"parent|super|broader|ancestor|上级|父", re.I)
_PROPERTY = frozenset(("property", "attribute", "attributename", "propertyname", "feature", "field", "key", "属性"))
_MOST_PROPERTIES = 40
"""Names of properties that become relations."""


@dataclass(frozen=True)
class Side:
    """Relations that a table gives, the kinds of nodes that they make (kind -> column), and notes."""

    relations: dict[str, dict[str, Any]]
    made: dict[str, str]
    notes: tuple[str, ...]


def friends(file: FileProfile, user_kind: str, users: ColumnProfile) -> Side | None:
    """Describe a table that pairs users with users; None for any other."""
    columns = [c for c in file.columns.values() if c.name and c.filled and not c.lists and time_format(c) is None]
    headerless = file.spec.columns is not None
    for head in columns:
        for tail in columns:
            if head is tail or min(head.share_in(users), tail.share_in(users)) < _KNOWN:
                continue
            named = SOCIAL_NAME.search(tail.name) is not None or (SOCIAL_NAME.search(file.name) is not None)
            if not named or not (headerless or is_user_name(head.name) or SOCIAL_NAME.search(head.name)):
                continue
            match = SOCIAL_NAME.search(file.name) or SOCIAL_NAME.search(tail.name)
            name = "knows" if match is None or match[0].lower() in ("edge", "network", "social") else match[0].lower()
            section = _between(file, user_kind, user_kind, head.name, tail.name, name)
            return Side({name: section}, {}, (f"pairs users with users ({head.name}, {tail.name})",))
    return None


def properties(file: FileProfile, item_kind: str, item: ColumnProfile, taken: Mapping[str, Any]) -> Side | None:
    """Describe a table with one row per property of an item: its name in one column, its value in another."""
    columns = [c for c in file.columns.values() if c.name]
    head = next((c for c in columns if plain(c.name) == plain(item.name) and c.share_in(item) > 0), None)
    name = next((c for c in columns if plain(c.name) in _PROPERTY), None)
    if head is None or name is None:
        return None
    value = _value_column([c for c in columns if c not in (head, name) and time_format(c) is None])
    used, left = _recurring(file, name.name, value.name) if value is not None else ([], [])
    if value is None or not used:
        return None
    relations: dict[str, dict[str, Any]] = {}
    made: dict[str, str] = {}
    for name_of_property in used:
        kind = kind_name(name_of_property)
        made[kind] = name_of_property
        relations[untaken(f"has_{kind}", {*relations, *taken})] = {
            **_between(file, item_kind, kind, head.name, value.name, f"has {kind.replace('_', ' ')}"),
            "where": {name.name: name_of_property},
        }
    notes = [f"properties by name: {', '.join(used)} of each {item_kind} become relations"]
    if left:
        notes.append(f"properties that are not read, as their values do not recur: {', '.join(left)}")
    return Side(relations, made, tuple(notes))


def _value_column(columns: Sequence[ColumnProfile]) -> ColumnProfile | None:
    """The column of the values: by its name, else the only one."""
    named = [c for c in columns if plain(c.name).endswith(("value", "val", "值"))]
    return named[0] if named else columns[0] if len(columns) == 1 else None


def _recurring(file: FileProfile, name: str, value: str) -> tuple[list[str], list[str]]:
    """Properties whose values several items share, and the others."""
    values: dict[str, Counter[str]] = {}
    for record in records_of(file):
        text = str(record.values.get(value) or "").strip()
        values.setdefault(str(record.values.get(name) or "").strip(), Counter())[text] += 1
    names = sorted(values, key=lambda property_name: -values[property_name].total())
    used = [p for p in names if p and 1 < len(values[p]) <= values[p].total() / 2][:_MOST_PROPERTIES]
    return used, [p for p in names if p and p not in used]


def hierarchy(file: FileProfile, kinds: Sequence[str]) -> Side | None:
    """Describe a table that puts nodes of a kind within others: a category and its parent."""
    parent = next((c for c in file.columns.values() if _PARENT.search(c.name)), None)
    if parent is None or not parent.filled:
        return None
    for column in file.columns.values():
        names = {plain(column.name), stem_of(column.name)}
        kind = next((k for k in kinds if plain(k) in names), None)
        if column is not parent and kind is not None:
            section = _between(file, kind, kind, column.name, parent.name, f"within {kind.replace('_', ' ')}")
            return Side({f"parent_{kind}": section}, {}, (f"puts each {kind} within another ({parent.name})",))
    return None


def _between(file: FileProfile, head: str, tail: str, head_column: str, tail_column: str, label: str) -> dict[str, Any]:
    columns = {"head": head_column, "tail": tail_column}
    return {"head": head, "tail": tail, "source": source_of(file.spec), "columns": columns, "label": label}
