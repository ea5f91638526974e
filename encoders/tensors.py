"""Read a block's saved arrays with checks of presence, number type, shape, finiteness and range.

Arrays from a file are read through `Tensors` before they index memory or are multiplied, so that a damaged or foreign
file raises `StateUnreadable`, and never causes a crash, a write beyond an array or scores that are not numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from kg.errors import WhyPathError

LARGEST = 1e15
"""Largest absolute value of a learned number; products of two are still far from the limits of float32."""

Shape: TypeAlias = tuple[int | None, ...]
"""Length of every dimension, None where any will do."""

_Settings = TypeVar("_Settings", bound=BaseModel)


class StateUnreadable(WhyPathError):
    """Saved arrays or settings are not those of a block or of the gates; the message names the array or setting."""


class Tensors:
    """Arrays by name, as read from a file; each is checked when it is taken. All methods raise StateUnreadable."""

    def __init__(self, tensors: Mapping[str, NDArray]) -> None:
        self._tensors = tensors

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def length(self, name: str) -> int:
        """Length of the first dimension."""
        shape = self._found(name).shape
        if not shape:
            raise StateUnreadable(f"tensor {name!r} is a single number")
        return shape[0]

    def take(self, name: str, dtypes: type[np.generic] | tuple[type[np.generic], ...], shape: Shape) -> NDArray:
        """An array of one of these number types and of this shape; its values are not checked."""
        array = self._found(name)
        allowed = dtypes if isinstance(dtypes, tuple) else (dtypes,)
        if array.dtype not in [np.dtype(dtype) for dtype in allowed]:
            names = " or ".join(str(np.dtype(dtype)) for dtype in allowed)
            raise StateUnreadable(f"tensor {name!r} is of type {array.dtype}, not of {names}")
        if array.ndim != len(shape) or any(
            length not in (None, actual) for length, actual in zip(shape, array.shape, strict=True)
        ):
            lengths = ", ".join("any" if length is None else str(length) for length in shape)
            raise StateUnreadable(f"tensor {name!r} is of shape {list(array.shape)}, not of [{lengths}]")
        return array

    def numbers(
        self,
        name: str,
        shape: Shape,
        *,
        dtype: type[np.floating] = np.float32,
        at_least: float = -LARGEST,
        at_most: float = LARGEST,
    ) -> NDArray:
        """An array of finite numbers in a range."""
        array = self.take(name, dtype, shape)
        # Both are NaN where one number is NaN, and need no memory, unlike `isfinite`.
        if array.size and not (at_least <= array.min() and array.max() <= at_most):
            raise StateUnreadable(f"tensor {name!r} holds a number that is not between {at_least:g} and {at_most:g}")
        return array

    def offsets(self, name: str, length: int | None, last: int) -> NDArray[np.integer]:
        """Where the parts of another array begin and end, int32 or int64 [length]: from 0 to `last`, never falling."""
        array = self.take(name, (np.int32, np.int64), (length,))
        if not len(array) or array[0] != 0 or array[-1] != last or (array[1:] < array[:-1]).any():
            raise StateUnreadable(f"tensor {name!r} does not rise from 0 to {last}")
        return array

    def csr(
        self, data: str, indices: str, indptr: str, shape: tuple[int | None, int | None], *, at_least: float = -LARGEST
    ) -> sp.csr_array:
        """A sparse matrix float32 from the names of its three arrays, the columns of every row ascending.

        shape: None as the number of rows accepts any number; None as that of columns means as many as rows.
        """
        entries = self.length(indices)
        starts = self.offsets(indptr, None if shape[0] is None else shape[0] + 1, entries)
        rows = len(starts) - 1
        columns = rows if shape[1] is None else shape[1]
        values = self.numbers(data, (entries,), at_least=at_least)
        places = self.take(indices, (np.int32, np.int64), (entries,))
        if entries and (places.min() < 0 or places.max() >= columns):
            raise StateUnreadable(f"tensor {indices!r} points outside of {columns} columns")
        ascends = places[1:] > places[:-1]
        begins = starts[(starts > 0) & (starts < entries)]
        ascends[begins - 1] = True
        if not ascends.all():
            raise StateUnreadable(f"tensor {indices!r} is not ascending in every row")
        return sp.csr_array((values, places, starts), shape=(rows, columns))

    def _found(self, name: str) -> NDArray:
        if name not in self._tensors:
            raise StateUnreadable(f"tensor {name!r} is missing")
        return self._tensors[name]


def settings_of(kind: type[_Settings], settings: object) -> _Settings:
    """Settings of a class from plain data. Raises StateUnreadable."""
    try:
        return kind.model_validate(settings)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise StateUnreadable(f"setting {'.'.join(map(str, first['loc']))!r}: {first['msg']}") from error


def names_of(settings: Mapping[str, object], name: str) -> tuple[str, ...]:
    """A list of distinct names among a state's settings. Raises StateUnreadable."""
    listed = settings.get(name)
    if not isinstance(listed, list):
        raise StateUnreadable(f"setting {name!r} is missing or no list")
    names = tuple(text for text in listed if isinstance(text, str))
    if len(set(names)) != len(listed):
        raise StateUnreadable(f"setting {name!r} is not a list of distinct names")
    return names


def check_fitted(fitted: int, n_items: int) -> None:
    """Raise StateUnreadable unless a block was fitted on this number of items."""
    if fitted != n_items:
        raise StateUnreadable(f"its arrays are of {fitted:,} items, and the model was trained on {n_items:,}")


def check_trained(trained: NDArray[np.int32], fitted: int) -> None:
    """Raise StateUnreadable where a catalogue's `trained` points outside of the items that a block was fitted on."""
    if trained.size and (trained.min() < -1 or trained.max() >= fitted):
        raise StateUnreadable(f"its arrays are of {fitted:,} items, and the catalogue refers to item {trained.max():,}")


def check_text_dimension(fitted: int | None, given: int | None) -> None:
    """Raise StateUnreadable unless a block was fitted on text vectors of this length (None: on none)."""
    if fitted != given:
        raise StateUnreadable(f"it was fitted on text vectors of length {fitted}, and those of the model have {given}")


def check_finite(*arrays: NDArray[np.floating]) -> None:
    """Raise StateUnreadable where learned arrays, each within range, give numbers together that are not finite."""
    if not all(np.isfinite(array).all() for array in arrays):
        raise StateUnreadable("its learned parameters give numbers that are not finite over these items")
