"""Typed values of Parquet, JSON, data frames and graphs as plain cells: text, numbers, truth values, times, lists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from kg.sources.records import Cell, Scalar


def flat_cells(values: Mapping[Any, Any], prefix: str = "") -> dict[str, Cell]:
    """Cells of an object: names as text, nested objects as dotted names."""
    cells: dict[str, Cell] = {}
    for name, value in values.items():
        column = f"{prefix}{name}"
        if isinstance(value, Mapping):
            cells |= flat_cells(value, f"{column}.")
        else:
            cells[column] = plain_cell(value)
    return cells


def plain_cell(value: Any) -> Cell:
    """A value as a cell; what has no plain form becomes JSON or its text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, set | frozenset):
        return [_scalar(v) for v in sorted(value, key=str)]  # a set has no order of its own; a load must be repeatable
    if getattr(value, "ndim", 0):
        value = value.tolist()  # a numpy array
    if isinstance(value, list | tuple):
        return [_scalar(v) for v in value]
    return _scalar(value)


def _scalar(value: Any) -> Scalar:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
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
