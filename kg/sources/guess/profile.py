"""The profile of a file: how it is read, and what its columns hold."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from kg.schema import SourceFormat, SourceSpec
from kg.schema.domain import DEFAULT_MISSING
from kg.schema.formats import without_packing
from kg.sources.guess.words import KEY_NAMES, is_item_name, is_user_name, plain, singular, stem_of, table_name
from kg.sources.open_source import open_source
from kg.sources.records import BadRecord, Cell, RawRecord, Reader

SAMPLE_ROWS = 200_000
"""Number of rows that are examined; they are enough for a file of a million rows."""

_DISTINCT_LIMIT = 200_000
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}(\.0+)?")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]{1,3}(?:\.?[0-9]{3})*,[0-9]+")
_BOOLEANS = frozenset({"true", "false", "yes", "no", "t", "f", "y", "n"})
NO_NUMBER = re.compile(r"[-–—?.*]+|n[/.]?a\.?|none|null|nan|nil|unknown|unrated|not rated|not seen|tbd", re.IGNORECASE)
"""Spellings of "no value" among numbers."""

_MISSING = frozenset(DEFAULT_MISSING)


_COUNTED = (
    "rows", "missing", "spelt_none", "integers", "numbers", "characters", "lists", "times", "values", "odd", "commas",
    "percents", "parts",
)  # fmt: skip
"""The counts of a column."""


@dataclass
class ColumnProfile:
    """What a column holds. `values` counts distinct texts (up to a limit); `odd` those that are not numbers."""

    name: str
    rows: int = 0
    missing: int = 0
    none: frozenset[str] = _MISSING
    spelt_none: Counter[str] = field(default_factory=Counter)
    integers: int = 0
    numbers: int = 0
    characters: int = 0
    lists: int = 0
    times: int = 0
    low: float = float("inf")
    high: float = float("-inf")
    values: Counter[str] = field(default_factory=Counter)
    odd: Counter[str] = field(default_factory=Counter)
    commas: int = 0
    percents: int = 0
    parts: Counter[str] = field(default_factory=Counter)
    time_formats: tuple[str, ...] | None = None
    """Cache of the time format that `kg.sources.guess.values` found in the complete column."""

    @property
    def filled(self) -> int:
        """Number of cells with a value."""
        return self.rows - self.missing

    @property
    def is_unique(self) -> bool:
        """Whether it could be a key: a value in every row, none twice."""
        return self.filled == self.rows > 0 and len(self.values) == self.rows and not self.lists

    @property
    def is_number(self) -> bool:
        """Whether it is numeric but for a few odd spellings (at most 1 % of the cells or one, and three distinct)."""
        allowed = max(0.01 * self.filled, 1 if self.filled >= 20 else 0)
        if self.odd and all(NO_NUMBER.fullmatch(text) for text in self.odd):
            allowed = 0.5 * self.filled
        return self.numbers > 0 and self.filled - self.numbers <= allowed and len(self.odd) <= 3

    @property
    def is_percent(self) -> bool:
        """Whether its numbers have a percent sign."""
        return self.percents > 0.5 * self.filled

    @property
    def is_integer(self) -> bool:
        """Whether all its numbers are integers."""
        return self.is_number and self.integers == self.numbers

    @property
    def is_boolean(self) -> bool:
        """Whether it says yes or no, in words or as 0 and 1."""
        spelt = {v.lower() for v in self.values}
        return len(spelt) == 2 and not self.lists and (spelt <= _BOOLEANS or spelt == {"0", "1"})

    @property
    def mean_length(self) -> float:
        """Mean number of characters of a filled cell."""
        return self.characters / self.filled if self.filled else 0.0

    def share_in(self, other: ColumnProfile) -> float:
        """Share of its distinct values that the other column has; 17.0 equals 17."""
        if not self.values:
            return 0.0
        return sum(v in other.values or v.removesuffix(".0") in other.values for v in self.values) / len(self.values)

    def with_other(self, other: ColumnProfile) -> ColumnProfile:
        """Merge the two columns."""
        counts = {name: getattr(self, name) + getattr(other, name) for name in _COUNTED}
        return replace(self, **counts, low=min(self.low, other.low), high=max(self.high, other.high), time_formats=None)

    def absent_until(self, rows: int) -> None:
        """Count the rows up to the `rows`th that lack the column as missing values."""
        self.missing += rows - self.rows
        self.rows = rows

    def add(self, cell: Cell) -> None:
        """Count a cell."""
        self.rows += 1
        if isinstance(cell, list):
            if cell:
                self.lists += 1
                self.parts.update(str(c) for c in _flat(cell) if c is not None)
                self._count(", ".join(map(str, cell)))
            else:
                self.missing += 1
            return
        if isinstance(cell, datetime | date):
            self.times += 1
        text = "" if cell is None else _as_loaded(cell)
        if text.startswith('="') and text.endswith('"'):
            text = text[2:-1]  # how Excel keeps leading zeros
        if text in self.none or cell != cell:
            self.missing += 1
            self.spelt_none[text] += 1
            return
        self._count(text)
        if text.endswith("%") and _NUMBER.fullmatch(text[:-1].rstrip()):
            self.percents += 1
            text = text[:-1].rstrip()
        if isinstance(cell, bool) or not _NUMBER.fullmatch(text):
            if len(self.odd) <= 3:
                self.odd[text] += 1
            self.commas += _DECIMAL_COMMA.fullmatch(text) is not None
            return
        self.numbers += 1
        self.integers += _INTEGER.fullmatch(text) is not None
        number = float(text)
        self.low, self.high = min(self.low, number), max(self.high, number)

    def _count(self, text: str) -> None:
        self.characters += len(text)
        if len(self.values) < _DISTINCT_LIMIT or text in self.values:
            self.values[text] += 1


def _flat(cells: list[Any]) -> Iterator[Any]:
    """Flatten a list; nested lists, which typed formats give as JSON, are replaced by their values."""
    for cell in cells:
        inner = None
        if isinstance(cell, str) and cell.startswith("[") and cell.endswith("]"):
            with suppress(ValueError, RecursionError):
                inner = json.loads(cell)
        if isinstance(inner, list):
            yield from _flat(inner)
        else:
            yield cell


def _as_loaded(cell: Cell) -> str:
    """A cell's text as a load compares it: true for a boolean, 17 for the number 17.0."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


@dataclass(frozen=True)
class FileProfile:
    """A profiled file: how it is read, its columns, and notes on what was found."""

    path: Path
    spec: SourceSpec
    columns: dict[str, ColumnProfile]
    rows: int
    notes: tuple[str, ...]
    truncated: bool
    different_rows: int = 0
    """Number of distinct rows."""
    key_name: str | None = None
    """The key, where it is not chosen by the names of columns."""
    parts: tuple[FileProfile, ...] = ()
    """The files that are the parts of this table, itself included; none for a table in one file."""

    @property
    def name(self) -> str:
        """The table's name; `u.item`, which is not an atomic file, is called item."""
        if self.spec.sheet is not None:
            return self.spec.sheet
        atomic = self.spec.resolved_format is SourceFormat.RECBOLE
        by_ending = not atomic and (is_item_name(self.suffix) or is_user_name(self.suffix))
        return self.suffix if by_ending else table_name(self.path)

    @property
    def title(self) -> str:
        """Name in notes: the file's name, with the sheet if there are several."""
        return self.path.name if self.spec.sheet is None else f"{self.path.name} [{self.spec.sheet}]"

    @property
    def place(self) -> tuple[Path, str | None]:
        """Identity: the file and the sheet."""
        return self.path, self.spec.sheet

    @property
    def suffix(self) -> str:
        """The ending of an atomic file: `inter`, `item`, `user`, `link`, `kg`."""
        return without_packing(self.path.name).rsplit(".", 1)[-1]

    @property
    def is_triples(self) -> bool:
        """Whether it is a file of triples."""
        return self.spec.resolved_format is SourceFormat.TRIPLES

    def key(self) -> ColumnProfile | None:
        """The column that is most likely its key, by name (`id`, `<table>_id`, `item_id`), else the first if unique.

        A named one may lack a value, or repeat one, in a tenth of the rows: the rest is still a table.
        """
        return self._key

    @cached_property
    def _key(self) -> ColumnProfile | None:
        if self.key_name is not None:
            return self.columns[self.key_name]
        singular_name = plain(singular(self.name))
        # A table of events, which has both, is about neither.
        roles = {is_user_name(c.name) - is_item_name(c.name) for c in self.columns.values() if c.name}
        joins = {1, -1} <= roles
        best: tuple[int, ColumnProfile | None] = (0, None)
        for number, column in enumerate(self.columns.values()):
            if column.times or column.mean_length >= 200 or not column.name:
                continue
            fits = column.is_unique or (not joins and self.could_be_key(column))
            points = _key_points(column, singular_name) if fits else 0
            if column.is_unique:
                points = 2 * points + (number == 0)
            if points > best[0]:
                best = (points, column)
        return best[1]

    def could_be_key(self, column: ColumnProfile) -> bool:
        """Whether a column could be the key but for a tenth of the rows, which lack a value or repeat one."""
        return not column.lists and len(column.values) > 3 and len(column.values) >= 0.9 * self.different_rows


def _key_points(column: ColumnProfile, table: str) -> int:
    """How strongly a column's name says that it is the key of a table."""
    stem, name = stem_of(column.name), plain(column.name)
    if stem == table and name != table:
        return 5
    if stem == "" and name != "":
        return 4
    if (is_item_name(column.name) or is_user_name(column.name)) and (name != stem or name in KEY_NAMES):
        return 3
    return 2 if name == f"{table}s" or name in KEY_NAMES else 0


def records_of(file: FileProfile, most: int = SAMPLE_ROWS) -> Iterator[RawRecord]:
    """Read the rows of a file again, those that can be read among its first `most`."""
    reader = open_given(file.path, file.spec, edges=False)
    try:
        yield from (record for record in islice(reader, most) if not isinstance(record, BadRecord))
    finally:
        reader.close()


def open_given(path: Path, spec: SourceSpec, *, edges: bool) -> Reader:
    """Open a file that the caller has named, at its real place, whatever path the description will have."""
    local = spec.model_copy(update={"file": str(path)})
    return open_source(local, Path(), edges=edges, allow_outside=[path.resolve().parent])
