"""Choose a table's key among several possible columns by what other tables use: ISBN where events name ISBNs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from kg.sources.guess.profile import ColumnProfile, FileProfile
from kg.sources.guess.words import plain, singular, stem_of

_ENOUGH = 0.5
"""Minimum share of another table's values that a key has."""

_NEARLY_ALL = 0.9
"""The same where no name marks the key."""

_MANY = 8
"""Number of distinct values from which a match with a table's keys is not by chance."""


def with_used_keys(files: Sequence[FileProfile]) -> list[FileProfile]:
    """The files, with the key replaced where other files use another column by name and values."""
    return [_with_used_key(file, [other for other in files if other is not file]) for file in files]


def _with_used_key(file: FileProfile, others: Sequence[FileProfile]) -> FileProfile:
    key = file.key()
    columns = [column for other in others for column in other.columns.values()]
    if key is not None and _is_used(key, columns):
        return file
    used = _other_key(file, key, columns)
    return file if used is None else replace(file, key_name=used.name)


def _other_key(file: FileProfile, key: ColumnProfile | None, columns: Sequence[ColumnProfile]) -> ColumnProfile | None:
    """The column whose values the `columns` of other tables have, by name, else by the values alone."""
    others = [column for column in file.columns.values() if column is not key]
    unique = [column for column in others if column.is_unique]
    named = [column for column in others if file.could_be_key(column) and _is_used(column, columns)]
    if key is not None:
        named += [column for column in unique if _is_named_after(column, key, file, columns)]
    if named:
        return named[0]
    if key is not None and any(holds_keys(column, key) for column in columns):
        return None
    return next((own for own in unique if any(holds_keys(column, own) for column in columns)), None)


def _is_named_after(
    column: ColumnProfile, key: ColumnProfile, file: FileProfile, columns: Sequence[ColumnProfile]
) -> bool:
    """Whether a bare `id` of a table of books is what others call `book_id`, and the table's `book_id` is another
    id."""
    if stem_of(column.name) != "" or plain(column.name) == "":
        return False
    table = plain(singular(file.name))
    named = [c for c in columns if stem_of(c.name) == table and c.values]
    return any(c.share_in(column) >= _NEARLY_ALL and c.share_in(key) < _ENOUGH for c in named)


def holds_keys(column: ColumnProfile, key: ColumnProfile) -> bool:
    """Whether the values of a column are certainly those of a key, whatever the names: so many, and so unlike numbers
    or words that occur in many columns, that this is not by chance.
    """
    if not column.values or column.lists or len(column.values) < _MANY or column.share_in(key) < _NEARLY_ALL:
        return False
    return all(_is_own(value) for value in islice(column.values, _MANY))


def _is_own(value: str) -> bool:
    """Whether a value can only be an id: letters with digits or signs between them, or many digits."""
    return len(value) >= 5 and value.isdigit() if value.isdigit() else re.search(r"[0-9/:_@-]", value) is not None


def _is_used(key: ColumnProfile, columns: Sequence[ColumnProfile]) -> bool:
    return any(plain(c.name) == plain(key.name) and c.share_in(key) >= _ENOUGH for c in columns)
