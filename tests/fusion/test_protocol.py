from __future__ import annotations

import numpy as np
import pytest

from fusion.protocol import Protocol, protocol_of
from fusion.splits import split_by_time, split_last_out, split_random
from kg.interactions import Interactions


def events(times: np.ndarray | None, n_users: int = 40, per_user: int = 12) -> Interactions:
    users = np.repeat(np.arange(n_users, dtype=np.int32), per_user)
    items = np.tile(np.arange(per_user, dtype=np.int32), n_users)
    return Interactions(users, items, [str(user) for user in range(n_users)], per_user, None, times)


TIMED = events(np.random.default_rng(1).permutation(480).astype(float))


def test_a_store_with_times_is_trained_for_what_comes_next() -> None:
    assert protocol_of(TIMED, None) is Protocol.NEXT
    assert protocol_of(events(None), None) is Protocol.RANDOM
    some_missing = np.where(np.arange(480) == 7, np.nan, np.arange(480))
    assert protocol_of(events(some_missing), None) is Protocol.RANDOM
    assert protocol_of(TIMED.take(np.zeros(480, bool)), None) is Protocol.RANDOM
    # Times that order nothing: one for all, one for each user.
    assert protocol_of(events(np.zeros(480)), None) is Protocol.RANDOM
    assert protocol_of(events(np.repeat(np.arange(40.0), 12)), None) is Protocol.RANDOM
    days = np.random.default_rng(2).integers(0, 3, 480).astype(float)
    assert protocol_of(events(days), None) is Protocol.NEXT


def test_files_say_it_by_their_order() -> None:
    for split, expected in (
        (split_last_out(TIMED), Protocol.NEXT),
        (split_by_time(TIMED), Protocol.NEXT),
        (split_random(TIMED), Protocol.RANDOM),
    ):
        assert protocol_of(split.train, split.valid) is expected


@pytest.mark.parametrize("earlier", [0, 1, 4])
def test_a_few_users_may_be_out_of_order(earlier: int) -> None:
    split = split_last_out(TIMED)
    assert split.valid.times is not None
    times = split.valid.times.copy()
    times[:earlier] = -1
    valid = Interactions(split.valid.users, split.valid.items, split.valid.user_ids, split.valid.n_items, None, times)
    assert (protocol_of(split.train, valid) is Protocol.NEXT) == (earlier <= 2)


def test_parts_without_times_or_common_users_say_nothing() -> None:
    untimed = events(None)
    half = np.arange(len(untimed)) % 2 == 0
    assert protocol_of(untimed.take(half), untimed.take(~half)) is Protocol.RANDOM
    first = TIMED.users < 20
    assert protocol_of(TIMED.take(first), TIMED.take(~first)) is Protocol.RANDOM
