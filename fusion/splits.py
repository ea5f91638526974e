"""Split interactions into train, valid and test, without leaking test into training.

A split keeps the indices of users and items, so that its parts fit one catalogue. A caller that fits on `train` and
chooses on `valid` must not use `test` before the end; under a time split every statistic comes from `train` as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from kg.errors import WhyPathError
from kg.interactions import Interactions


class SplitError(WhyPathError):
    """The interactions cannot be split as asked; the message says why."""


@dataclass(frozen=True)
class Split:
    """Parts of one set of interactions; every event is in exactly one of them.

    `given` holds events that belong to the history of a test user but are not trained on: the first few events of cold
    users. It is empty for all other splits.
    """

    name: str
    train: Interactions
    valid: Interactions
    test: Interactions
    given: Interactions

    def history(self) -> Interactions:
        """The histories when test is ranked: train and given; by the benchmark's rule not valid."""
        return joined(self.train, self.given)

    def seen(self) -> sp.csr_array:
        """[n_users, n_items] of pairs that must not be recommended at test: train, valid and given."""
        return joined(joined(self.train, self.valid), self.given).matrix()


def with_events(interactions: Interactions, least: int) -> Interactions:
    """The events of the users who have at least so many."""
    counts = np.bincount(interactions.users, minlength=interactions.n_users)
    return interactions.take(counts[interactions.users] >= least)


def split_random(interactions: Interactions, *, valid: float = 0.1, test: float = 0.1, seed: int = 0) -> Split:
    """Split per user at random: about the given shares of a user's items go to valid and test, at least one to train.

    Repeats of a (user, item) pair stay together. Shares are met on average also for users with few items, by rounding
    at random. Raises SplitError for shares that leave nothing to train on.
    """
    _check_shares(valid, test)
    rng = np.random.default_rng(seed)
    pairs = interactions.users.astype(np.int64) * interactions.n_items + interactions.items
    distinct, pair_of = np.unique(pairs, return_inverse=True)
    users = distinct // interactions.n_items
    place, size = _places(users, np.lexsort((rng.random(len(distinct)), users)))
    n_users = interactions.n_users
    # One draw per user and part: of 23 items at 10 %, 2 are in test, and a third one in three of ten cases.
    for_test = np.floor(size * test + rng.random(n_users)[users]).astype(np.int64)
    for_valid = np.floor(size * valid + rng.random(n_users)[users]).astype(np.int64)
    for_test = np.minimum(for_test, size - 1)
    for_valid = np.minimum(for_valid, size - 1 - for_test)
    part = np.where(place < for_test, 2, np.where(place < for_test + for_valid, 1, 0))
    return _by_part("random", interactions, part[pair_of])


def split_last_out(interactions: Interactions, *, valid: int = 1, test: int = 1, seed: int = 0) -> Split:
    """Split per user by time: the last `test` events are test, the `valid` before them valid; at least one stays in
    train.

    For a user with too few events, test is filled first. Events at one time are ordered at random. Raises SplitError
    where times are missing.
    """
    times = _times(interactions, "leave-last-out")
    tie = np.random.default_rng(seed).random(len(interactions))
    order = np.lexsort((tie, times, interactions.users))
    place, size = _places(interactions.users, order)
    from_end = size - 1 - place
    n_test = np.minimum(test, size - 1)
    n_valid = np.minimum(valid, size - 1 - n_test)
    part = np.where(from_end < n_test, 2, np.where(from_end < n_test + n_valid, 1, 0))
    return _by_part("leave-last-out", interactions, part)


def split_by_time(interactions: Interactions, *, valid: float = 0.1, test: float = 0.1) -> Split:
    """Split at two times for all users, so that about the given shares of events are later: train < valid < test.

    Events at one time stay together. Users whose first event comes after the cut have an empty history. Raises
    SplitError where times are missing, or where so many events share a time that train would be empty.
    """
    _check_shares(valid, test)
    times = _times(interactions, "a time split")
    if not len(times):
        return _by_part("time", interactions, np.zeros(0, dtype=np.int64))
    ordered = np.sort(times)
    n_test, n_valid = round(len(times) * test), round(len(times) * valid)
    to_test = ordered[len(times) - n_test] if n_test else np.inf
    to_valid = ordered[len(times) - n_test - n_valid] if n_test + n_valid else np.inf
    part = np.where(times >= to_test, 2, np.where(times >= to_valid, 1, 0))
    if not np.any(part == 0):
        raise SplitError("too many events share the earliest time: a time split would leave nothing to train on")
    return _by_part("time", interactions, part)


def split_cold_items(
    interactions: Interactions, *, folds: int | NDArray[np.integer] = 5, valid: float = 0.0, seed: int = 0
) -> Iterator[Split]:
    """Make one split per fold of items: all events on the fold's items are test, those on all others train.

    folds: a number of folds, filled at random, or the fold of each item, [n_items], negative for items that are in no
    fold. valid: share of the other items whose events are valid, chosen at random, so that settings are chosen on items
    that are cold as well. Splits come in the order of fold numbers. Raises SplitError for folds that do not fit.
    """
    n_items = interactions.n_items
    rng = np.random.default_rng(seed)
    if isinstance(folds, int):
        if not 2 <= folds <= max(2, n_items):
            raise SplitError(
                f"{n_items} items cannot be put into {folds} folds; take at least 2 and at most one an item"
            )
        fold_of = rng.permutation(np.arange(n_items) % folds)
    else:
        fold_of = np.asarray(folds)
        if len(fold_of) != n_items:
            raise SplitError(f"folds are given for {len(fold_of)} items, there are {n_items}")
    for fold in np.unique(fold_of[fold_of >= 0]):
        held = (fold_of != fold) & (rng.random(n_items) < valid)
        part = np.where(fold_of == fold, 2, np.where(held, 1, 0))
        yield _by_part(f"cold items {fold}", interactions, part[interactions.items])


def split_cold_users(
    interactions: Interactions, *, valid: float = 0.1, test: float = 0.1, shots: int = 5, seed: int = 0
) -> Split:
    """Split by users: shares of the users are never trained on; a test user's first `shots` items are given as history.

    The first by time where times are known, else at random. All events of valid users are valid. A test user with no
    more than `shots` events keeps one of them for test. Raises SplitError for shares that leave no one to train on.
    """
    _check_shares(valid, test)
    rng = np.random.default_rng(seed)
    order = rng.permutation(interactions.n_users)
    n_test, n_valid = round(interactions.n_users * test), round(interactions.n_users * valid)
    role = np.zeros(interactions.n_users, dtype=np.int64)
    role[order[:n_test]] = 2
    role[order[n_test : n_test + n_valid]] = 1
    tie = rng.random(len(interactions))
    times = np.zeros(len(interactions)) if interactions.times is None else interactions.times
    place, size = _places(interactions.users, np.lexsort((tie, times, interactions.users)))
    part = role[interactions.users]
    part[(part == 2) & (place < np.minimum(shots, size - 1))] = 3
    return _by_part("cold users", interactions, part)


def joined(first: Interactions, second: Interactions) -> Interactions:
    """Join the events of two tables over the same users and items; columns that only one has are dropped."""
    weights = times = None
    if first.weights is not None and second.weights is not None:
        weights = np.concatenate([first.weights, second.weights])
    if first.times is not None and second.times is not None:
        times = np.concatenate([first.times, second.times])
    kinds = None
    if first.kinds is not None and second.kinds is not None and first.kind_names == second.kind_names:
        kinds = np.concatenate([first.kinds, second.kinds])
    users = np.concatenate([first.users, second.users])
    items = np.concatenate([first.items, second.items])
    names = first.kind_names if kinds is not None else ()
    return Interactions(users, items, first.user_ids, first.n_items, weights, times, kinds, names)


def _by_part(name: str, interactions: Interactions, part: NDArray[np.int64]) -> Split:
    """`part` of each event: 0 train, 1 valid, 2 test, 3 given."""
    train, valid, test, given = (interactions.take(part == number) for number in range(4))
    return Split(name, train, valid, test, given)


def _places(users: NDArray[np.integer], order: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each event's place among its user's events in `order` (which sorts by user first), and the user's event
    count."""
    counts = np.bincount(users)
    starts = np.concatenate([[0], np.cumsum(counts)])
    place = np.empty(len(users), dtype=np.int64)
    place[order] = np.arange(len(users)) - starts[users[order]]
    return place, counts[users]


def _times(interactions: Interactions, what: str) -> NDArray[np.float64]:
    if interactions.times is None or np.isnan(interactions.times).any():
        missing = len(interactions) if interactions.times is None else int(np.isnan(interactions.times).sum())
        if missing:
            raise SplitError(f"{what} needs the time of every event, {missing:,} of {len(interactions):,} have none")
        return np.zeros(0)
    return interactions.times


def _check_shares(valid: float, test: float) -> None:
    if valid < 0 or test < 0 or valid + test >= 1:
        raise SplitError(
            f"shares of valid ({valid}) and test ({test}) must be at least 0 and leave something to train on"
        )
