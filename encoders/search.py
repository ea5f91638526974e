"""Search ranges: the values that tuning may try for a setting, defined beside its settings class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; on a logarithmic scale with `log`."""

    low: float
    high: float
    log: bool = False
    whole: bool = False
    """Whole numbers only."""


@dataclass(frozen=True)
class Choice:
    """One of the listed values."""

    values: tuple[str | int | float | bool, ...]


SearchSpace: TypeAlias = Mapping[str, Range | Choice]
"""Field name of a settings class to the values that tuning may try for it; absent fields keep their values."""
