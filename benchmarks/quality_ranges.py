"""Ranges of settings that a random search draws from; each says whether a value lies on its edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

EDGE = 0.05
"""Share of a range at either end that counts as its edge: an optimum there says that the range is too narrow."""


class Range(Protocol):
    """Values of one setting."""

    def draw(self, rng: np.random.Generator) -> Any: ...

    def is_edge(self, value: Any) -> bool: ...


@dataclass(frozen=True)
class Between:
    """From low to high, uniform, or uniform in the logarithm; whole numbers where both ends are."""

    low: float
    high: float
    log: bool = True

    def draw(self, rng: np.random.Generator) -> float | int:
        share = rng.random()
        value = self.low * (self.high / self.low) ** share if self.log else self.low + (self.high - self.low) * share
        return round(value) if self._whole else float(f"{value:.4g}")

    def is_edge(self, value: float) -> bool:
        low, high, at = (np.log([self.low, self.high, value])) if self.log else (self.low, self.high, value)
        return bool(not EDGE < (at - low) / (high - low) < 1 - EDGE)

    @property
    def _whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)


@dataclass(frozen=True)
class OneOf:
    """Some values, all as likely; none is an edge."""

    values: tuple[Any, ...]

    def draw(self, rng: np.random.Generator) -> Any:
        return self.values[int(rng.integers(len(self.values)))]

    def is_edge(self, value: Any) -> bool:
        return False


def trial(ranges: Mapping[str, Range], seed: int, number: int) -> dict[str, Any]:
    """The settings of a trial; the first is that of the model's defaults, {}."""
    rng = np.random.default_rng([seed, number])
    return {} if number == 0 else {name: values.draw(rng) for name, values in ranges.items()}


def edges(ranges: Mapping[str, Range], settings: Mapping[str, Any]) -> list[str]:
    """The settings whose value lies on the edge of its range."""
    return [name for name, value in settings.items() if name in ranges and ranges[name].is_edge(value)]
