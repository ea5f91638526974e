"""Which of several columns that could be a table's key other tables use: a book's ISBN where events name ISBNs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kg.sources.guess.profile import ColumnProfile, FileProfile
from kg.sources.guess.words import plain

_ENOUGH = 0.5
"""Share of another table's values that a key must have."""


def with_used_keys(files: Sequence[FileProfile]) -> list[FileProfile]:
    """The files, those with another key than their names tell where other files use that one by name and values."""
    return [_with_used_key(file, [other for other in files if other is not file]) for file in files]


def _with_used_key(file: FileProfile, others: Sequence[FileProfile]) -> FileProfile:
    own = file.key()
    if own is None or _is_used(own, others):
        return file
    for column in file.columns.values():
        if column is not own and file.could_be_key(column) and _is_used(column, others):
            return replace(file, key_name=column.name)
    return file


def _is_used(column: ColumnProfile, others: Sequence[FileProfile]) -> bool:
    name = plain(column.name)
    return any(
        plain(other.name) == name and other.share_in(column) >= _ENOUGH
        for file in others
        for other in file.columns.values()
    )
