"""`HistoryWeights`: how much each event of a history counts for a block, by its place, age, kind and polarity."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from encoders.settings import Settings
from kg.histories import Histories

LARGEST_FACTOR = 1_000.0
"""Limit of a kind's factor and of a dislike's value: beyond it the other events would not count at all."""


class HistoryWeights(Settings):
    """w_j = (floor + (1 - floor) · exp(-place_j / places)) · (1 + age_j / age_unit)^-age · kinds[kind_j] of a like.

    place_j: from the end of the user's likes, 0 for the last one; of a dislike, from the end of the dislikes. age_j:
    the seconds from the event to the time of the query, or to the user's last like where that is not known. A dislike
    has `dislikes[kind_j]` in place of the last factor, and counts against its item. What is not known of an event
    (order, time, kind) has no effect.

    The weights depend on the history alone, so a block's score still splits exactly over its events.
    """

    floor: float = Field(default=1.0, ge=0, le=1)
    """Weight of an old event by its place."""

    places: float = Field(default=8.0, gt=0, allow_inf_nan=False)
    """Number of events after which the rest falls to 1/e."""

    age: float = Field(default=0.0, ge=0, le=10)
    """Exponent of an event's age; 0: the age has no effect."""

    age_unit: float = Field(default=86_400.0, gt=0)
    """Seconds from which on an age counts."""

    kinds: dict[str, Annotated[float, Field(ge=0, le=LARGEST_FACTOR)]] = Field(default={})
    """How much a like of each kind of events counts, 1 for a kind that is not named."""

    dislikes: dict[str, Annotated[float, Field(ge=0, le=LARGEST_FACTOR)]] = Field(default={})
    """How much a dislike of each kind counts against its item; `dislike` for a kind that is not named."""

    dislike: float = Field(default=0.3, ge=0, le=LARGEST_FACTOR)
    """How much other dislikes count: little against the last likes, so that an error does little."""

    def __hash__(self) -> int:
        by_kind = (tuple(sorted(self.kinds.items())), tuple(sorted(self.dislikes.items())))
        return hash((self.floor, self.places, self.age, self.age_unit, by_kind, self.dislike))

    @property
    def is_even(self) -> bool:
        """Whether all likes count the same."""
        return self.floor == 1.0 and self.age == 0.0 and not self.kinds

    def of(self, histories: Histories) -> Histories:
        """The same histories with the value of every event."""
        against = histories.dislikes
        disliking = against is not None and against.n_events > 0
        if self.is_even and not disliking:
            return histories
        now = _now(histories) if self.age > 0.0 else None
        of_kinds = [_by_kind(histories, self.kinds, 1.0)] if self.kinds and histories.kinds is not None else []
        values = self._values(histories, now, of_kinds)
        if against is None or not disliking:
            return histories if values is None else histories.weighed(values)
        return histories.weighed(values, self._values(against, now, [_by_kind(against, self.dislikes, self.dislike)]))

    def _values(
        self, events: Histories, now: NDArray[np.float64] | None, of_kinds: list[NDArray[np.float64]]
    ) -> NDArray[np.float32] | None:
        """w_j of events whose users ask at `now` [n_users], float32 [n_events]; None for 1 each."""
        factors = list(of_kinds)
        if self.floor < 1.0 and events.is_ordered:
            factors.append(self.floor + (1 - self.floor) * np.exp(-events.places / self.places))
        if now is not None and events.times is not None:
            ages = np.maximum(np.nan_to_num(now[events.users] - events.times), 0.0)
            factors.append((1 + ages / self.age_unit) ** -self.age)
        return reduce(np.multiply, factors).astype(np.float32) if factors else None


def _by_kind(events: Histories, of_kind: Mapping[str, float], other: float) -> NDArray[np.float64]:
    """The number of each event's kind, or `other`, [n_events]."""
    if events.kinds is None:
        return np.full(events.n_events, other)
    # An unknown kind is -1, the place of the last number.
    return np.array([*(of_kind.get(name, other) for name in events.kind_names), other])[events.kinds]


def _now(histories: Histories) -> NDArray[np.float64]:
    """The time of each user's query, float64 [n_users]: of the last like where it is not given, so that a dislike
    leaves the likes as old as they were; NaN if unknown.
    """
    latest = np.full(len(histories), np.nan)
    if histories.times is not None:
        np.fmax.at(latest, histories.users, histories.times)
    return latest if histories.now is None else np.where(np.isnan(histories.now), latest, histories.now)
