"""Find foreign keys, by name and by value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kg.sources.guess.keys import holds_keys
from kg.sources.guess.profile import ColumnProfile, FileProfile
from kg.sources.guess.words import plain, singular, stem_of

_ENOUGH = 0.5
"""Minimum share of a column's values that are keys of the table it refers to, where names agree."""


@dataclass(frozen=True)
class Reference:
    """A column whose values are keys of another file."""

    file: FileProfile
    column: ColumnProfile
    target: FileProfile


def references(files: Sequence[FileProfile]) -> list[Reference]:
    """All foreign keys among the files, at most one per column."""
    best = []
    for file in files:
        for column in file.columns.values():
            fits = [
                (fit, reference)
                for target in files
                if target is not file
                for reference in [Reference(file, column, target)]
                if (fit := _fit(reference, is_own_key=column is file.key())) > 0
            ]
            if fits:
                best.append(max(fits, key=lambda fit: fit[0])[1])
    return best


def _fit(reference: Reference, *, is_own_key: bool) -> float:
    """How well a column fits a table's key: 0 not at all; 2 and more where it is named for the table."""
    key = reference.target.key()
    column = reference.column
    if key is None or not column.values or column.lists:
        return 0.0
    stem, table = stem_of(column.name), plain(singular(reference.target.name))
    words = {plain(singular(word)) for word in re.split(r"[\W_]+", reference.target.name)}
    for_table = (stem == table or stem in words) and plain(column.name) != "id" and stem != ""
    same_name = plain(column.name) == plain(key.name) and plain(column.name) != "id"
    if not (for_table or (same_name and not is_own_key)):
        return 0.5 if not is_own_key and holds_keys(column, key) else 0.0
    contained = column.share_in(key)
    if contained < _ENOUGH and not reference.target.truncated:
        return 0.0
    # A table of products is preferred to one that joins products and tags.
    return contained + 2 * for_table + (for_table and stem == table)
