"""`Strings`: a column of text that can be memory-mapped, a read-only sequence of str over an Arrow array.

A million Python strings cost some 70 MB and seconds to unpickle; the same column in Arrow is two buffers that are
mapped from disk. Code-point order is the order throughout: it is the byte order of UTF-8, so Python, Arrow and
SQLite agree on it.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from kg.arrow_arrays import codes_of, numbers_of, numbers_to_arrow, strings_to_arrow
from kg.visible import without_halves

_PIECE = 65_536
"""Strings converted to Python objects at a time while iterating, which bounds memory."""


class Strings(Sequence[str]):
    """A read-only column of strings [n] over one Arrow large_string array without nulls.

    Large strings (64-bit offsets), because 32-bit ones end at 2 GB of text in a column.
    """

    __slots__ = ("array",)

    def __init__(self, array: pa.LargeStringArray) -> None:
        if array.null_count:
            raise ValueError("Strings has no missing values; use the empty string")
        self.array = array

    @classmethod
    def of(cls, values: Iterable[str]) -> Strings:
        """A column of the given strings, in their order."""
        if isinstance(values, Strings):
            return values
        return cls(strings_to_arrow(values if isinstance(values, list) else list(values)))

    @classmethod
    def repeated(cls, value: str, count: int) -> Strings:
        """A column of `count` times the same string."""
        return cls(pa.repeat(strings_to_arrow([value])[0], count))

    @classmethod
    def concatenated(cls, columns: Sequence[Strings]) -> Strings:
        """Concatenate columns; a single one is not copied."""
        if len(columns) == 1:
            return columns[0]
        return cls(pa.concat_arrays([column.array for column in columns]) if columns else strings_to_arrow([]))

    def __len__(self) -> int:
        return len(self.array)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Strings: ...
    def __getitem__(self, index: int | slice) -> str | Strings:
        if isinstance(index, slice):
            return Strings(self.array[index])
        position = int(index)
        if not -len(self.array) <= position < len(self.array):
            raise IndexError(f"index {position} in a column of {len(self.array)}")
        return self.array[position].as_py()

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self.array), _PIECE):
            yield from self.array[start : start + _PIECE].to_pylist()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Strings) and self.array.equals(other.array)

    def __repr__(self) -> str:
        shown = ", ".join(repr(text) for text in self[:3])
        return f"Strings([{shown}{', …' if len(self) > 3 else ''}], {len(self)} in all)"

    def to_list(self) -> list[str]:
        """All strings as Python objects."""
        return self.array.to_pylist()

    def take(self, positions: ArrayLike) -> Strings:
        """The strings at the given positions (integers [k]), in that order."""
        return Strings(self.array.take(numbers_to_arrow(np.asarray(positions, dtype=np.int64))))

    def order(self) -> NDArray[np.int64]:
        """Positions that put the column into code-point order (equal strings in an unspecified order)."""
        return numbers_of(pc.call_function("array_sort_indices", [self.array])).astype(np.int64)

    def find(self, value: str) -> int:
        """Position of a string in a column sorted by code point, -1 if absent."""
        position = bisect_left(self, value)
        return position if position < len(self) and self[position] == value else -1

    def positions(self, values: Iterable[str]) -> NDArray[np.int32]:
        """Position [k] of each given string in this column (any order, the first where it repeats), -1 where absent."""
        options = pc.SetLookupOptions(value_set=self.array)
        # A lone surrogate, which an argument of a command can have, is in no column.
        wanted = [value if without_halves(value) == value else None for value in values]
        return codes_of(pc.call_function("index_in", [strings_to_arrow(wanted)], options))

    def update(self, digest: hashlib.blake2b) -> None:
        """Feed the content, with its borders, to a running digest; equal columns feed equal bytes."""
        # Through a fresh copy: a slice's buffers hold more than the slice, and its offsets need not start at 0.
        lengths = numbers_of(pc.call_function("binary_length", [self.array])).astype("<i8")
        digest.update(len(lengths).to_bytes(8, "little"))
        digest.update(lengths.tobytes())
        for start in range(0, len(self.array), _PIECE):
            digest.update("".join(self.array[start : start + _PIECE].to_pylist()).encode())
