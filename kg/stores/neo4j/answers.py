"""Check answers of a database: any user with its password may have put other content under WhyPath's names, and numpy
would convert a text to a number, or read a negative number as a place from the end.

Faults are raised as `DamagedContent`, which `damaged` converts to StoreDamaged with the store's URL and advice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kg.stores.errors import StoreDamaged
from kg.stores.sqlite import DamagedContent


@contextmanager
def damaged(place: str) -> Iterator[None]:
    """Raise StoreDamaged for content that cannot be right; `place` is the store's URL."""
    try:
        yield
    except DamagedContent as error:
        raise StoreDamaged(
            f"{place} holds what WhyPath has not written: {error}; correct or remove it there, or load the domain again"
            " with --replace, or restore a backup of the database"
        ) from error


def node_numbers(values: Sequence[Any], last: int) -> NDArray[np.int64]:
    """Numbers of nodes, int64 [n], from 0 to `last`. Raises DamagedContent."""
    if not {int}.issuperset(map(type, values)) or (values and not 0 <= min(values) <= max(values) <= last):
        raise DamagedContent("a node's _id is no number that a store gives")
    return np.array(values, dtype=np.int64)


def texts(values: Sequence[Any], what: str) -> list[str]:
    """Texts. Raises DamagedContent."""
    if not {str}.issuperset(map(type, values)):
        raise DamagedContent(f"{what} is no text")
    return list(values)


def numbers(values: Sequence[Any], what: str) -> NDArray[np.float64]:
    """Numbers, float64 [n]. Raises DamagedContent."""
    if not {int, float}.issuperset(map(type, values)):
        raise DamagedContent(f"{what} is no number")
    return np.array(values, dtype=np.float64)


def values_of_field(values: Sequence[Any], what: str) -> Sequence[Any]:
    """Values of a field, None where a node has none. Raises DamagedContent."""
    if not {str, bool, int, float, type(None)}.issuperset(map(type, values)):
        raise DamagedContent(f"{what} is neither a text nor a number")
    if any(type(value) is float and not np.isfinite(value) for value in values):
        raise DamagedContent(f"{what} is no finite number")
    return values


def same_length(*columns: Sequence[Any], what: str) -> None:
    """Raise DamagedContent for columns of different lengths, which a missing property causes."""
    if len(set(map(len, columns))) > 1:
        raise DamagedContent(f"{what} lacks a property that each of them has")
