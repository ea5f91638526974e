"""`Protocol`: what a model is trained to predict, and how the data decide it."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

import numpy as np

from encoders.behavior.rare import without_rare_items
from kg.histories import Histories
from kg.interactions import Interactions

NEARLY_ALL = 0.95
"""Share of the users whose valid events must be later than their train events for the protocol `next`."""


class Protocol(StrEnum):
    """`random`: any item of a user, whatever its time; times and order are not read. `next`: what comes next."""

    RANDOM = "random"
    NEXT = "next"


def histories_of(
    events: Interactions, protocol: Protocol, min_users: int, dislikes: Interactions | None = None
) -> Histories:
    """The histories without rare items, and without likes that a later dislike takes back; without times and order
    where the model does not predict what is next.
    """
    against = None if dislikes is None else dislikes.of_users(events.user_ids)
    if protocol is Protocol.RANDOM:
        events = replace(events, times=None)
        against = None if against is None else replace(against, times=None)
    likes = events.histories()
    likes = likes if against is None else replace(likes, dislikes=against.histories()).decided()
    return without_rare_items(likes, min_users)


def why_random(train: Interactions, valid: Interactions | None) -> str | None:
    """Why a model does not predict what comes next unless asked, in words that follow "because"; None if it does.

    It does if nearly all users' valid events are later than all their train events, or if there is no valid part, every
    train event has a time, and these times order the events of most users with several.
    """
    if untimed := untimed_events(train):
        return f"{untimed:,} of {len(train):,} events have no time; leave these out, or add their times, and it is"
    if valid is None:
        return None if _orders(train) else "the times do not order the events of most users"
    if untimed := untimed_events(valid):
        return f"{untimed:,} of {len(valid):,} events of valid have no time; add their times, and it is"
    assert train.times is not None
    assert valid.times is not None
    latest = np.full(train.n_users, -np.inf)
    np.maximum.at(latest, train.users, train.times)
    earliest = np.full(train.n_users, np.inf)
    np.minimum.at(earliest, valid.users, valid.times)
    both = np.flatnonzero(np.isfinite(latest) & np.isfinite(earliest))
    if not len(both):
        return "no user has events in both train and valid"
    later = float(np.mean(earliest[both] >= latest[both]))
    if later >= NEARLY_ALL:
        return None
    return f"only {later:.0%} of the users have all their valid events after their train events"


def untimed_events(events: Interactions) -> int:
    """Number of events without a time."""
    return len(events) if events.times is None else int(np.isnan(events.times).sum())


def _orders(events: Interactions) -> bool:
    """Whether most users with several events have events of different times."""
    if events.times is None:
        return False
    first, last = np.full(events.n_users, np.inf), np.full(events.n_users, -np.inf)
    np.minimum.at(first, events.users, events.times)
    np.maximum.at(last, events.users, events.times)
    several = np.bincount(events.users, minlength=events.n_users) > 1
    return bool(several.any() and np.mean(last[several] > first[several]) > 0.5)
