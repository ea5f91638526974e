from __future__ import annotations

import numpy as np
import pytest

from fusion.protocol import why_random
from fusion.splits import split_by_time, split_last_out, split_random
from kg.interactions import Interactions


def events(times: np.ndarray | None, n_users: int = 40, per_user: int = 12) -> Interactions:
    users = np.repeat(np.arange(n_users, dtype=np.int32), per_user)
    items = np.tile(np.arange(per_user, dtype=np.int32), n_users)
    return Interactions(users, items, [str(user) for user in range(n_users)], per_user, None, times)


TIMED = events(np.random.default_rng(1).permutation(480).astype(float))


def test_a_store_with_times_is_trained_for_what_comes_next() -> None:
    assert why_random(TIMED, None) is None
    assert why_random(events(None), None) is not None
    some_missing = np.where(np.arange(480) == 7, np.nan, np.arange(480))
    assert why_random(events(some_missing), None) is not None
    assert why_random(TIMED.take(np.zeros(480, bool)), None) is not None
    # Times that order nothing: one for all, one for each user.
    assert why_random(events(np.zeros(480)), None) is not None
    assert why_random(events(np.repeat(np.arange(40.0), 12)), None) is not None
    days = np.random.default_rng(2).integers(0, 3, 480).astype(float)
    assert why_random(events(days), None) is None


def test_files_say_it_by_their_order() -> None:
    for split, expected in (
        (split_last_out(TIMED), True),
        (split_by_time(TIMED), True),
        (split_random(TIMED), False),
    ):
        assert (why_random(split.train, split.valid) is None) is expected


@pytest.mark.parametrize("earlier", [0, 1, 4])
def test_a_few_users_may_be_out_of_order(earlier: int) -> None:
    split = split_last_out(TIMED)
    assert split.valid.times is not None
    times = split.valid.times.copy()
    times[:earlier] = -1
    valid = Interactions(split.valid.users, split.valid.items, split.valid.user_ids, split.valid.n_items, None, times)
    assert (why_random(split.train, valid) is None) == (earlier <= 2)


def test_parts_without_times_or_common_users_say_nothing() -> None:
    untimed = events(None)
    half = np.arange(len(untimed)) % 2 == 0
    assert why_random(untimed.take(half), untimed.take(~half)) is not None
    first = TIMED.users < 20
    assert why_random(TIMED.take(first), TIMED.take(~first)) is not None


def test_the_reason_says_what_is_in_the_way() -> None:
    split = split_last_out(TIMED)
    bare = Interactions(split.valid.users, split.valid.items, split.valid.user_ids, split.valid.n_items)
    first = TIMED.users < 20
    some_missing = events(np.where(np.arange(480) == 7, np.nan, np.arange(480)))
    reasons = {
        "1 of 480 events have no time": why_random(some_missing, None),
        "the times do not order": why_random(events(np.zeros(480)), None),
        "40 of 40 events of valid have no time": why_random(split.train, bare),
        "no user has events in both": why_random(TIMED.take(first), TIMED.take(~first)),
        "only 0% of the users": why_random(split.valid, split.train),
    }
    assert {said for said, why in reasons.items() if why is None or not why.startswith(said)} == set()
    assert why_random(split.train, split.valid) is None
