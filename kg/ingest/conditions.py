"""`where` of a section: whether a cell has one of the values of a description, in any usual spelling."""

from __future__ import annotations

from collections.abc import Iterable

from kg.checking.values import RowProblem, text_of
from kg.sources import Cell, Reader

_NOTHING: frozenset[str] = frozenset()


def _spellings(value: str) -> tuple[str, ...]:
    """Spellings of a condition's value: `true` also as True and TRUE, 1 also as 1.0, and the reverse."""
    if value.lower() in ("true", "false"):
        return value, value.lower(), value.title(), value.upper()
    if value.removesuffix(".0").removeprefix("-").isdigit():
        return value, value.removesuffix(".0"), f"{value.removesuffix('.0')}.0"
    return (value,)


def texts_of(cell: Cell) -> list[str]:
    """The values of a cell as texts."""
    cells = cell if isinstance(cell, list) else [cell]
    try:
        return [text_of(c, "", _NOTHING) or "" for c in cells]
    except RowProblem:
        return []  # text that no condition names


def value_fits(cell: Cell, wanted: frozenset[str]) -> bool:
    """Whether a cell, or one of the values in it, is among those of a condition."""
    return not wanted.isdisjoint(texts_of(cell))


def wanted_values(values: Iterable[str], reader: Reader) -> frozenset[str]:
    """The spellings that fit a condition, as the reader gives values."""
    return frozenset(reader.resolve_value(spelling) for value in values for spelling in _spellings(value))
