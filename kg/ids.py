"""Ids as callers have them: texts, or numbers that stand for the same text, as data frames give them."""

from __future__ import annotations

import math
import numbers
import uuid
from collections.abc import Iterable
from typing import SupportsIndex, TypeAlias

from kg.errors import WhyPathError

Id: TypeAlias = str | float | SupportsIndex | uuid.UUID
"""What is taken for an id: 42, 42.0 and numpy's numbers are "42"; a UUID is its text."""


class BadId(WhyPathError, TypeError):
    """A value that cannot be an id."""


def id_text(value: Id) -> str:
    """The id as text, by one rule: texts stay, whole numbers are spelled without a point. Raises BadId."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        raise BadId(f"{value} is no id; ids are texts or whole numbers")
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, numbers.Real):
        number = float(value)
        if math.isfinite(number) and number == int(number):
            return str(int(number))
        raise BadId(f"{value} is no id; ids are texts or whole numbers")
    if isinstance(value, uuid.UUID):
        return str(value)
    advice = f"decode it first: {value!r}.decode()" if isinstance(value, bytes) else "ids are texts or whole numbers"
    raise BadId(f"a {type(value).__name__} is no id; {advice}")


def id_texts(values: Iterable[Id], what: str) -> list[str]:
    """Several ids as texts; a text alone, which would be taken letter by letter, is an error. Raises BadId."""
    if isinstance(values, str | bytes):
        raise BadId(f"{what} is a list of ids; write [{values!r}] for one")
    if not isinstance(values, Iterable):
        raise BadId(f"{what} is a list of ids, not a {type(values).__name__}")
    return [id_text(value) for value in values]
