"""The popularity blend: scores for users without a history, the same for all of them.

Half of it is an item's share of all positive events, half its share of the latest tenth (if the model reads times), so
that neither the distant past nor a single day decides. Items without events have 0 and are in hashed order, as ties.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from encoders.behavior.rare import coarse_counts
from fusion.protocol import Protocol
from kg.interactions import Interactions

RECENT_SHARE = 0.1
"""Part of the events, by time, that counts as recent."""


def popularity_blend(events: Interactions, protocol: Protocol, min_users: int = 1) -> NDArray[np.float32]:
    """Compute scores float32 [n_items] with the sum 1 (or all 0 without any event); a (user, item) pair counts once.

    protocol: of the model; under `random` times are not read. min_users: numbers of users are rounded to steps, smaller
    ones to 0, see `encoders.behavior.rare`.
    """
    overall = _shares(events, min_users)
    if events.times is None or protocol is Protocol.RANDOM:
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
