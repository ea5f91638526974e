"""The popularity blend: what is listed for a user about whom nothing is known, the same for all of them.

Half of it is an item's share of all positive events, half its share of the latest tenth (where times are known), so
that neither a long past nor a single day decides. Items without an event have 0 and come in hashed order, as all ties.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kg.interactions import Interactions

RECENT_SHARE = 0.1
"""Part of the events, by time, that counts as recent."""


def popularity_blend(events: Interactions) -> NDArray[np.float32]:
    """Scores float32 [n_items] that add up to 1 (or are all 0 without any event); a (user, item) pair counts once."""
    overall = _shares(events)
    if events.times is None:
        return overall
    known = np.flatnonzero(~np.isnan(events.times))
    if not len(known):
        return overall
    times = events.times[known]
    recent = events.take(known[times >= np.quantile(times, 1 - RECENT_SHARE)])
    return ((overall + _shares(recent)) / 2).astype(np.float32)


def _shares(events: Interactions) -> NDArray[np.float32]:
    counts = np.asarray(events.matrix().sum(axis=0), dtype=np.float64)
    return (counts / max(counts.sum(), 1.0)).astype(np.float32)
