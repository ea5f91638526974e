"""Progress of a long pass over sources, and what became of each section of the description."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

SHORTEST_SECONDS = 1e-3
"""What a pass over a few rows counts as having taken at least, so that it does not seem to be endlessly fast."""


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """Where a load is: `stage` is checking, nodes, relations or events; `rows` of the source so far in so many
    `seconds`; `fraction` of it."""

    stage: str
    source: str
    rows: int
    fraction: float | None
    done: bool
    seconds: float

    @property
    def rows_per_second(self) -> float:
        """How fast this source goes."""
        return self.rows / max(self.seconds, SHORTEST_SECONDS)


Progress: TypeAlias = Callable[[LoadProgress], None]
"""Called now and then while a load runs, and with `done` at the end of each source."""


@dataclass(frozen=True, slots=True)
class SectionReport:
    """One section of the domain description: rows that belonged to it, and how many bad entries came of them."""

    section: str
    rows: int
    bad: int
