"""Convert ids as callers have them (texts, or numbers, as data frames give them) to texts, or raise BadId."""

from __future__ import annotations

import math
import numbers
import uuid
from collections.abc import Iterable
from typing import SupportsIndex, TypeAlias

from kg.errors import WhyPathError

Id: TypeAlias = str | float | SupportsIndex | uuid.UUID
"""Values that are accepted as an id: 42, 42.0 and numpy's numbers are "42"; a UUID is its text."""


class BadId(WhyPathError, TypeError):
    """A value that cannot be an id."""


def id_text(value: Id) -> str:
    """Convert an id to text: texts are kept, whole numbers are written without a point. Raises BadId."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        raise BadId(f"{value} is not an id; ids are texts or whole numbers")
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, numbers.Real):
        number = float(value)
        if math.isfinite(number) and number == int(number):
            return str(int(number))
        raise BadId(f"{value} is not an id; ids are texts or whole numbers")
    if isinstance(value, uuid.UUID):
        return str(value)
    advice = f"decode it first: {value!r}.decode()" if isinstance(value, bytes) else "ids are texts or whole numbers"
    raise BadId(f"a {type(value).__name__} is not an id; {advice}")


def id_texts(values: Iterable[Id], what: str) -> list[str]:
    """Convert several ids to texts. Raises BadId, also for a single text, which would be taken letter by letter."""
    if isinstance(values, str | bytes):
        raise BadId(f"{what} is a list of ids; write [{values!r}] for one")
    if not isinstance(values, Iterable):
        raise BadId(f"{what} is a list of ids, not a {type(values).__name__}")
    return [id_text(value) for value in values]
