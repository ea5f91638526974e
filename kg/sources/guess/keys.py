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
    if key is not None and _is_used(key, others):
        return file
    for column in file.columns.values():
        if column is not key and file.could_be_key(column) and _is_used(column, others):
            return replace(file, key_name=column.name)
    for column in file.columns.values():
        if key is not None and column is not key and column.is_unique and _is_named_after(column, key, file, others):
            return replace(file, key_name=column.name)
    if key is not None and any(holds_keys(c, key) for other in others for c in other.columns.values()):
        return file
    for column in file.columns.values():
        columns = (c for other in others for c in other.columns.values())
        if column is not key and column.is_unique and any(holds_keys(c, column) for c in columns):
            return replace(file, key_name=column.name)
    return file


def _is_named_after(
    column: ColumnProfile, own: ColumnProfile, file: FileProfile, others: Sequence[FileProfile]
) -> bool:
    """Whether a bare `id` of a table of books is what others call `book_id`, and the table's `book_id` is another
    id."""
    if stem_of(column.name) != "" or plain(column.name) == "":
        return False
    table = plain(singular(file.name))
    named = [c for other in others for c in other.columns.values() if stem_of(c.name) == table and c.values]
    return any(c.share_in(column) >= _NEARLY_ALL and c.share_in(own) < _ENOUGH for c in named)


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


def _is_used(column: ColumnProfile, others: Sequence[FileProfile]) -> bool:
    name = plain(column.name)
    return any(
        plain(other.name) == name and other.share_in(column) >= _ENOUGH
        for file in others
        for other in file.columns.values()
    )
