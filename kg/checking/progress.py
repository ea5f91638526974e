"""Progress of a long pass over sources, and the outcome of each section of the description."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

SHORTEST_SECONDS = 1e-3
"""Minimum duration that the speed is computed with, so that a pass over a few rows does not seem infinitely fast."""


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """State of a load: `stage` is checking, nodes, relations or events; `rows` of the source read so far in `seconds`;
    `fraction` of it."""

    stage: str
    source: str
    rows: int
    fraction: float | None
    done: bool
    seconds: float

    @property
    def rows_per_second(self) -> float:
        """Rows per second of this source."""
        return self.rows / max(self.seconds, SHORTEST_SECONDS)


Progress: TypeAlias = Callable[[LoadProgress], None]
"""Called at intervals during a load, and with `done` at the end of each source."""


@dataclass(frozen=True, slots=True)
class SectionReport:
    """One section of the domain description: its rows, and the number of bad entries in them."""

    section: str
    rows: int
    bad: int
