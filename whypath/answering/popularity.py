"""The popularity blend: what is listed for a user about whom nothing is known, the same for all of them.

Half of it is an item's share of all positive events, half its share of the latest tenth (where times are known), so
that neither a long past nor a single day decides. Items without an event have 0 and come in hashed order, as all ties.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from encoders.behavior.rare import coarse_counts
from kg.interactions import Interactions

RECENT_SHARE = 0.1
"""Part of the events, by time, that counts as recent."""


def popularity_blend(events: Interactions, min_users: int = 1) -> NDArray[np.float32]:
    """Scores float32 [n_items] that add up to 1 (or are all 0 without any event); a (user, item) pair counts once.

    min_users: numbers of users are told in steps and from so many on, see `encoders.behavior.rare`.
    """
    overall = _shares(events, min_users)
    if events.times is None:
        return overall
    known = np.flatnonzero(~np.isnan(events.times))
    if not len(known):
        return overall
    times = events.times[known]
    recent = events.take(known[times >= np.quantile(times, 1 - RECENT_SHARE)])
    return ((overall + _shares(recent, min_users)) / 2).astype(np.float32)


def _shares(events: Interactions, min_users: int) -> NDArray[np.float32]:
    counts = coarse_counts(np.asarray(events.matrix().sum(axis=0)), min_users).astype(np.float64)
    return (counts / max(counts.sum(), 1.0)).astype(np.float32)
