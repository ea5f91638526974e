"""Convert typed values of Parquet, JSON, data frames and graphs to cells: texts, numbers, booleans, times, lists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from kg.rows import Position
from kg.sources.records import BadRecord, Cell, RawRecord, Reason, Record, Scalar, shown

_MOST_DEEP = 100
"""Maximum depth of nested objects: each dotted name repeats all names above it."""

_MOST_DIGITS = 100
"""Maximum digits of a decimal that is converted to an integer; more than any key or 64-bit integer has."""


def flat_cells(values: Mapping[Any, Any], prefix: str = "", depth: int = 1) -> dict[str, Cell]:
    """Convert an object to cells: names as text, nested objects as dotted names.

    Raises `ValueError` for objects nested too deep (`RecursionError` for lists).
    """
    if depth > _MOST_DEEP:
        raise ValueError(f"objects nested more than {_MOST_DEEP} deep")
    cells: dict[str, Cell] = {}
    for name, value in values.items():
        column = f"{prefix}{name}"
        if isinstance(value, Mapping):
            cells |= flat_cells(value, f"{column}.", depth + 1)
        else:
            cells[column] = plain_cell(value)
    return cells


def record_of(position: Position, values: Mapping[Any, Any]) -> Record:
    """Convert an object to a record, or to a bad record where its values cannot be cells."""
    try:
        return RawRecord(position, flat_cells(values))
    except (ValueError, ArithmeticError, RecursionError) as error:
        return BadRecord(position, Reason.BAD_VALUE, f"a value that cannot be used: {error}", shown(repr(error)))


def plain_cell(value: Any) -> Cell:
    """Convert a value to a cell; a value without a plain form becomes JSON or its text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, set | frozenset):
        return [_scalar(v) for v in sorted(value, key=str)]  # a set has no order, and a load must be repeatable
    if getattr(value, "ndim", 0):
        value = value.tolist()  # a numpy array
    if isinstance(value, list | tuple):
        return [_scalar(v) for v in value]
    return _scalar(value)


def _scalar(value: Any) -> Scalar:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Decimal):
        # An exponent of a million would be written out in full.
        whole = value.is_finite() and value.adjusted() < _MOST_DIGITS and value == value.to_integral_value()
        return int(value) if whole else float(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()  # a numpy scalar
    if isinstance(value, float | datetime | date):
        # NaN and NaT are the values that differ from themselves.
        return value if value == value else None
    if isinstance(value, str | bool | int):
        return value
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return str(value)
