"""Ranges of settings that a search draws from, at random or near the best so far; they tell values on their edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

NEAR = 0.08
"""Standard deviation of a step from the best settings so far, as a share of the range."""
EDGE = 0.05
"""Share of a range at either end that counts as its edge: an optimum there says that the range is too narrow."""


class Range(Protocol):
    """Values of one setting."""

    def draw(self, rng: np.random.Generator) -> Any: ...

    def near(self, value: Any, rng: np.random.Generator) -> Any: ...

    def is_edge(self, value: Any) -> bool: ...


@dataclass(frozen=True)
class Between:
    """From low to high, uniform, or uniform in the logarithm; whole numbers where both ends are."""

    low: float
    high: float
    log: bool = True

    def draw(self, rng: np.random.Generator) -> float | int:
        return self._at(rng.random())

    def near(self, value: float, rng: np.random.Generator) -> float | int:
        return self._at(float(np.clip(rng.normal(self._share(value), NEAR), 0, 1)))

    def is_edge(self, value: float) -> bool:
        return not EDGE < self._share(value) < 1 - EDGE

    def _at(self, share: float) -> float | int:
        value = self.low * (self.high / self.low) ** share if self.log else self.low + (self.high - self.low) * share
        is_whole = isinstance(self.low, int) and isinstance(self.high, int)
        return round(value) if is_whole else float(f"{value:.4g}")

    def _share(self, value: float) -> float:
        low, high, at = np.log([self.low, self.high, value]) if self.log else (self.low, self.high, value)
        return float((at - low) / (high - low))


@dataclass(frozen=True)
class OneOf:
    """Some values, all as likely; none is an edge."""

    values: tuple[Any, ...]

    def draw(self, rng: np.random.Generator) -> Any:
        return self.values[int(rng.integers(len(self.values)))]

    def near(self, value: Any, rng: np.random.Generator) -> Any:
        return self.draw(rng) if rng.random() < 0.3 else value

    def is_edge(self, value: Any) -> bool:
        return False


def trial(ranges: Mapping[str, Range], seed: int, number: int, best: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a trial: of odd numbers from the whole ranges, of even ones near the best settings so far."""
    rng = np.random.default_rng([seed, number])
    if number % 2:
        return {name: values.draw(rng) for name, values in ranges.items()}
    return {name: values.near(best[name], rng) for name, values in ranges.items()}


def edges(ranges: Mapping[str, Range], settings: Mapping[str, Any]) -> list[str]:
    """The settings whose value lies on the edge of its range."""
    return [name for name, value in settings.items() if name in ranges and ranges[name].is_edge(value)]
