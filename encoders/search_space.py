"""The values of a block's settings that training tries on held-out events.

One declaration serves both choices: short steps from the asked value (`fusion.selection`), and the search of whole
ranges that `whypath train --tune` does (`fusion.tuning`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

EDGE = 0.05
"""Share of a range at either end that counts as its edge: an optimum there says that the range may be too narrow."""


@dataclass(frozen=True)
class Between:
    """Numbers from low to high, searched in the logarithm or evenly; whole numbers where both ends are.

    step: factor between the values that training tries without being asked, up and down from the asked value as long as
    it gets better; None for a setting that is only searched.
    """

    low: float
    high: float
    log: bool = True
    step: float | None = None

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(f"no range: from {self.low} to {self.high}")
        if self.step is not None and self.step <= 1:
            raise ValueError(f"a step is a factor above 1, not {self.step}")

    @property
    def is_whole(self) -> bool:
        """Whether the values are whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def inside(self, value: float) -> float | int:
        """The nearest value of the range, of four digits."""
        nearest = min(max(value, self.low), self.high)
        return round(nearest) if self.is_whole else min(max(float(f"{nearest:.4g}"), self.low), self.high)

    def is_edge(self, value: float) -> bool:
        """Whether a value lies at an end of the range, or outside."""
        if self.log and value <= 0:
            return True
        low, high, at = np.log([self.low, self.high, value]) if self.log else (self.low, self.high, value)
        return not EDGE < (at - low) / (high - low) < 1 - EDGE

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class OneOf:
    """Some values without an order, which are only searched; none is an edge."""

    values: tuple[Any, ...]

    def is_edge(self, value: Any) -> bool:
        """False."""
        return False


Range: TypeAlias = Between | OneOf

SearchSpace: TypeAlias = Mapping[str, Range]
"""Fields of a block's settings, and the values of each that training tries."""


def edges(space: SearchSpace, settings: Mapping[str, Any]) -> list[str]:
    """The settings whose value lies on the edge of its range."""
    return [name for name, value in settings.items() if name in space and space[name].is_edge(value)]
