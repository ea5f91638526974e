"""`FieldColumn`: one field of a node kind as a column, numbers as float64 and everything else as codes into a
dictionary.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from kg.arrow_arrays import codes_of, strings_to_arrow
from kg.graph.strings import Strings
from kg.rows import FieldValue

NUMERIC_TYPES = frozenset({"integer", "number", "boolean", "date"})
"""Field types that are held as numbers; a date is held in seconds since the epoch (UTC, midnight)."""


@dataclass(frozen=True, eq=False)
class FieldColumn:
    """One field over n nodes.

    `type` is as in the schema ("integer", "number", "boolean", "date", "categorical", "text"). Of a numeric type
    `numbers` is float64 [n] with NaN where missing (booleans 0 and 1, dates in seconds since the epoch, integers exact
    up to 2^53) and `codes` is None. Of the other types `codes` is int32 [n] into `categories` (the values that occur,
    sorted), -1 where missing, and `numbers` is None. `sensitive` columns are kept out of everything that is printed or
    exported.
    """

    name: str
    type: str
    sensitive: bool
    numbers: NDArray[np.float64] | None = None
    codes: NDArray[np.int32] | None = None
    categories: Strings | None = None

    def __post_init__(self) -> None:
        if (self.numbers is None) == (self.codes is None) or (self.codes is None) != (self.categories is None):
            raise ValueError(f"field {self.name}: either numbers, or codes with categories")

    @classmethod
    def of(cls, name: str, type: str, values: Sequence[FieldValue], *, sensitive: bool = False) -> FieldColumn:
        """Build the column from checked values; a value that does not fit the type counts as missing."""
        if type in NUMERIC_TYPES:
            numbers = np.fromiter((_number(type, value) for value in values), dtype=np.float64, count=len(values))
            return cls(name, type, sensitive, numbers=numbers)
        texts = strings_to_arrow([None if value is None else str(value) for value in values])
        distinct = pc.call_function("unique", [texts.drop_null()])
        categories = Strings(distinct.take(pc.call_function("array_sort_indices", [distinct])))
        codes = pc.call_function("index_in", [texts], pc.SetLookupOptions(value_set=categories.array, skip_nulls=True))
        return cls(name, type, sensitive, codes=codes_of(codes), categories=categories)

    def missed_by(self, length: int) -> FieldColumn:
        """The field over `length` nodes without a value."""
        return FieldColumn.of(self.name, self.type, [None] * length, sensitive=self.sensitive)

    @classmethod
    def concatenated(cls, columns: Sequence[FieldColumn]) -> FieldColumn:
        """Concatenate columns, which must have one type; sensitive if any of them is."""
        first = columns[0]
        if len(columns) == 1:
            return first
        sensitive = any(column.sensitive for column in columns)
        if first.numbers is not None:
            numbers = np.concatenate([column.numbers for column in columns if column.numbers is not None])
            return cls(first.name, first.type, sensitive, numbers=numbers)
        return cls.of(first.name, first.type, [value for column in columns for value in column], sensitive=sensitive)

    def __len__(self) -> int:
        column = self.numbers if self.numbers is not None else self.codes
        return 0 if column is None else len(column)

    def __getitem__(self, index: int) -> FieldValue:
        """The value of one node as a Python value: int, float, bool, str (dates as YYYY-MM-DD), None where missing."""
        if self.numbers is None:
            assert self.codes is not None
            assert self.categories is not None
            code = int(self.codes[index])
            return None if code < 0 else self.categories[code]
        number = float(self.numbers[index])
        if np.isnan(number):
            return None
        if self.type == "boolean":
            return bool(number)
        if self.type == "date":
            return datetime.fromtimestamp(number, UTC).date().isoformat()
        return int(number) if self.type == "integer" else number

    def __iter__(self) -> Iterator[FieldValue]:
        return (self[index] for index in range(len(self)))

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Mask [n] of the nodes without a value."""
        if self.numbers is not None:
            return np.isnan(self.numbers)
        assert self.codes is not None
        return self.codes < 0

    def take(self, positions: NDArray[np.intp]) -> FieldColumn:
        """The values at the given positions, with the categories that occur there and no others."""
        if self.codes is None or self.categories is None:
            numbers = None if self.numbers is None else self.numbers[positions]
            return FieldColumn(self.name, self.type, self.sensitive, numbers=numbers)
        return self._with_codes(self.codes[positions], self.categories)

    def _with_codes(self, codes: NDArray[np.int32], categories: Strings) -> FieldColumn:
        # A category that only a removed node had would still reveal it.
        used = np.bincount(codes[codes >= 0], minlength=len(categories)) > 0
        if not used.all():
            codes = np.append(np.cumsum(used) - 1, -1)[codes].astype(np.int32)
            categories = categories.take(np.flatnonzero(used))
        return FieldColumn(self.name, self.type, self.sensitive, codes=codes, categories=categories)

    def merged(self, other: FieldColumn, positions: NDArray[np.intp]) -> FieldColumn:
        """The values at these positions of this column followed by `other`, which is of its type and short."""
        if self.numbers is not None and other.numbers is not None:
            numbers = np.concatenate([self.numbers, other.numbers])[positions]
            return FieldColumn(self.name, self.type, self.sensitive, numbers=numbers)
        assert self.codes is not None
        assert self.categories is not None
        assert other.codes is not None
        assert other.categories is not None
        known = len(self.categories)
        new = [value for value in other.categories if self.categories.find(value) < 0]
        places = np.array([bisect_left(self.categories, value) for value in new], dtype=np.int64)
        order = np.insert(np.arange(known), places, known + np.arange(len(new)))
        categories = Strings.concatenated([self.categories, Strings.of(new)]).take(order) if new else self.categories
        # Code -1, of a missing value, is the last of each.
        self_codes = np.append(np.argsort(order)[:known], -1)
        other_codes = np.array([*map(categories.find, other.categories), -1])
        codes = np.concatenate([self_codes[self.codes], other_codes[other.codes]])
        return self._with_codes(codes[positions].astype(np.int32), categories)

    def update(self, digest: hashlib.blake2b) -> None:
        """Feed name, type and values to a running digest; equal columns feed equal bytes."""
        digest.update(f"{self.name}\0{self.type}\0{len(self)}\0".encode())
        if self.numbers is not None:
            # One bit pattern for "missing" and one for zero.
            digest.update(np.where(np.isnan(self.numbers), np.nan, self.numbers + 0.0).astype("<f8").tobytes())
        elif self.codes is not None and self.categories is not None:
            digest.update(self.codes.astype("<i4").tobytes())
            self.categories.update(digest)


def _number(type: str, value: FieldValue) -> float:
    if value is None:
        return float("nan")
    if isinstance(value, str):
        return _seconds(value) if type == "date" else float("nan")
    return float(value)


def _seconds(text: str) -> float:
    """Seconds since the epoch at the start of an ISO date (UTC), or of a date and time as given; NaN for any other
    text.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return float("nan")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
