"""From Python and numpy to Arrow arrays and back, without pyarrow's own conversions: the first of those imports pandas,
which costs a serving process a quarter of a second and 45 MB.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def numbers_to_arrow(numbers: NDArray) -> pa.Array:
    """Integers or floats [n] as an array over the same memory."""
    numbers = np.ascontiguousarray(numbers)
    return pa.Array.from_buffers(pa.from_numpy_dtype(numbers.dtype), len(numbers), [None, pa.py_buffer(numbers)])


def strings_to_arrow(values: Sequence[str | None]) -> pa.LargeStringArray:
    """Strings [n], None for a missing one. Raises UnicodeEncodeError for one that holds half of a character."""
    present, texts = None, cast(Sequence[str], values)
    if None in values:
        present = pa.py_buffer(np.packbits([value is not None for value in values], bitorder="little"))
        texts = [value or "" for value in values]
    joined = "".join(texts)
    parts = texts if joined.isascii() else map(str.encode, texts)
    offsets = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, parts), dtype=np.int64, count=len(texts)), out=offsets[1:])
    buffers = [present, pa.py_buffer(offsets), pa.py_buffer(joined.encode())]
    return pa.Array.from_buffers(pa.large_string(), len(texts), buffers)


def numbers_of(array: Any) -> NDArray:
    """An array of integers or floats without missing ones as numpy sees it, read-only and over the same memory."""
    return np.from_dlpack(array)


def codes_of(array: pa.Array) -> NDArray[np.int32]:
    """An int32 array, -1 where a number is missing."""
    stored = np.frombuffer(array.buffers()[1], dtype=np.int32, count=array.offset + len(array))[array.offset :]
    return np.where(flags_of(array.is_valid()), stored, np.int32(-1)) if array.null_count else stored.copy()


def flags_of(array: Any) -> NDArray[np.bool_]:
    """A boolean array without missing ones."""
    # As numbers of a byte each, since Arrow's booleans are bits.
    return numbers_of(pc.call_function("cast", [array], pc.CastOptions(pa.uint8()))).astype(bool)
