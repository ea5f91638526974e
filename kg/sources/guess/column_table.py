"""Build the table of a guess: every column of every file, its use, how sure that is, and what was seen in it.

The use of a column is derived from the finished description, so the two cannot differ.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kg.schema import DomainSchema, columns_read
from kg.sources.guess.profile import ColumnProfile, FileProfile

_WIDTH = 110
_NAME_WIDTH = 24


class Sure(StrEnum):
    """How sure a guess is."""

    SURE = "sure"
    LIKELY = "likely"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """One column: `taken_for` is its use in words, empty where it is not read; `seen` its content, without values."""

    file: str
    column: str
    taken_for: tuple[str, ...]
    sure: Sure
    seen: str


def column_table(schema: DomainSchema, files: Sequence[FileProfile], notes: Sequence[str]) -> tuple[ColumnRow, ...]:
    """One row per column of the files, in order. `notes`: those with "unsure" name columns."""
    uses: dict[str, dict[str, list[str]]] = {}
    for spec, columns in columns_read(schema):
        for column, further in columns.items():
            known = uses.setdefault(spec.name, {}).setdefault(column, [])
            known += [use for use in further if use not in known]
    doubts = [note for note in notes if note.startswith("unsure")]
    return tuple(
        ColumnRow(
            file.title,
            column.name,
            tuple(uses.get(file.spec.name, {}).get(column.name, ())),
            _sure(file, column, doubts),
            _seen(column),
        )
        for file in files
        for column in file.columns.values()
        if column.name
    )


def _sure(file: FileProfile, column: ColumnProfile, doubts: Sequence[str]) -> Sure:
    named = re.compile(rf"(?<!\w){re.escape(column.name)}(?!\w)")
    if any(named.search(doubt) for doubt in doubts):
        return Sure.UNSURE
    # For a file without a header there are only numbers and forms as evidence.
    return Sure.LIKELY if file.spec.columns is not None or column.is_boolean else Sure.SURE


def _seen(column: ColumnProfile) -> str:
    if not column.filled:
        return "empty"
    missing = f", {column.missing:,} empty" if column.missing else ""
    different = f"{len(column.values):,} different"
    if column.lists:
        return f"lists{missing}"
    if column.times:
        return f"times, {different}{missing}"
    if column.is_number and column.numbers:
        return f"numbers {column.low:g} to {column.high:g}, {different}{missing}"
    return f"texts, {different}{missing}"


def table_lines(rows: Sequence[ColumnRow]) -> Iterator[str]:
    """The table as text: a line per column that is read, and the names of all others of its file."""
    for file in dict.fromkeys(row.file for row in rows):
        yield file
        of_file = [row for row in rows if row.file == file]
        width = min(_NAME_WIDTH, max((len(row.column) for row in of_file if row.taken_for), default=0))
        for row in of_file:
            if row.taken_for:
                doubt = f"{row.sure}: " if row.sure is not Sure.SURE else ""
                yield f"  {row.column:<{width}}  {doubt}{'; '.join(row.taken_for)} [{row.seen}]"
        left = [row.column for row in of_file if not row.taken_for]
        if left:
            yield from textwrap.wrap(
                f"not read: {', '.join(left)}",
                _WIDTH,
                initial_indent="  ",
                subsequent_indent="    ",
                break_long_words=False,
                break_on_hyphens=False,
            )
