"""Find the table that a column of events refers to: by foreign key, by the key's name, by values."""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path

from kg.schema import Role, SourceFormat
from kg.sources.guess.profile import ColumnProfile, FileProfile
from kg.sources.guess.references import Reference
from kg.sources.guess.words import is_item_name, is_user_name, plain, singular, stem_of

KNOWN_VALUES = 0.5
"""Minimum share of a column's values that are keys of a table that is only named for the same role."""


def table_of(
    file: FileProfile,
    column: ColumnProfile,
    role: Role,
    tables: Sequence[FileProfile],
    references: Sequence[Reference],
    events: Container[tuple[Path, str | None]],
) -> FileProfile | None:
    """The table whose keys the column's values are, None where there is none.

    `events`: places of the files of events, which may have each user or item only once and are not tables of them.
    """
    candidates: list[tuple[tuple[bool, bool, float, int], FileProfile]] = []
    by_key = [r.target for r in references if r.file is file and r.column is column]
    for table in tables:
        key = table.key()
        if table is file or key is None or table.place in events:
            continue
        atomic = table.spec.resolved_format is SourceFormat.RECBOLE and table.suffix == role.value
        known = column.share_in(key)
        if atomic or table in by_key or (plain(key.name) == plain(column.name) and known > 0):
            # A table of what the column names is preferred to one that joins it to other nodes.
            named = stem_of(column.name) in (plain(singular(table.name)), plain(table.name))
            candidates.append(((named, table in by_key, round(known, 1), len(table.columns)), table))
    if candidates:
        return max(candidates, key=lambda candidate: candidate[0])[1]
    return _by_values(file, column, role, [t for t in tables if t.place not in events])


def _by_values(
    file: FileProfile, column: ColumnProfile, role: Role, tables: Sequence[FileProfile]
) -> FileProfile | None:
    """The only table of that role's name (`films` for a column `item`) that has the column's values as its keys."""
    is_named = is_user_name if role is Role.USER else is_item_name
    fitting = []
    for table in tables:
        key = table.key()
        is_list = column.name in file.columns and column is not file.columns[column.name]
        if table is file or key is None or not column.values or not (is_list or is_named(table.name)):
            continue
        known = column.share_in(key)
        if known >= KNOWN_VALUES or (table.truncated and known):
            fitting.append(table)
    return fitting[0] if len(fitting) == 1 else None
