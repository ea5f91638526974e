"""Bounds of an event's time and weight, the same for every source: loads, recorded events, files, external graphs."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

EARLIEST = (datetime.min.replace(tzinfo=UTC) - _EPOCH).total_seconds()
LATEST = (datetime.max.replace(tzinfo=UTC) - _EPOCH).total_seconds()
"""First and last time of an event, in seconds since the epoch: the years 1 to 9999. Milliseconds taken for seconds are
outside; as times they would be the only recent ones.
"""

LARGEST_WEIGHT = 1e15
"""Largest absolute weight: no stars, quantity or duration is larger, sums of weights stay finite in float32, and times
taken for weights are outside.
"""


def time_misfit(seconds: float) -> str | None:
    """Why a number is not the time of an event, None if it is."""
    if math.isnan(seconds) or math.isinf(seconds):
        return f"{seconds} is not a finite number; leave it out where it is unknown"
    if not EARLIEST <= seconds <= LATEST:
        return f"{seconds:g} seconds since 1970 are not in the years 1 to 9999; milliseconds? divide them by 1000"
    return None


def weight_misfit(weight: float) -> str | None:
    """Why a number is not the weight of an event, None if it is."""
    if math.isnan(weight) or math.isinf(weight):
        return f"{weight} is not a finite number; leave it out where it is unknown"
    if abs(weight) > LARGEST_WEIGHT:
        return f"{weight:g} is beyond {LARGEST_WEIGHT:g}, the largest weight that is accepted"
    return None


def taken_times(seconds: NDArray[np.floating]) -> NDArray[np.float64]:
    """Times as a snapshot holds them, float64 [n]: NaN (unknown) also for numbers that are out of bounds."""
    seconds = seconds.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.where((seconds >= EARLIEST) & (seconds <= LATEST), seconds, np.nan)


def taken_weights(weights: NDArray[np.floating]) -> NDArray[np.float32]:
    """Weights as a snapshot holds them, float32 [n]: NaN (none) also for numbers that are out of bounds."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(np.abs(weights) <= LARGEST_WEIGHT, weights, np.nan).astype(np.float32)
