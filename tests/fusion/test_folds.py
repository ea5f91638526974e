from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from fusion.folds import BEGINNINGS, Fold, HeldOut, folds_of
from fusion.protocol import Protocol
from fusion.settings import CrossFitSettings
from kg.histories import Histories
from tests.planted import domain

SETTINGS = CrossFitSettings(folds=3, held_out_users=0.2)


def timed() -> Histories:
    """Histories in a random order that `times` states."""
    given = domain().histories.shuffled(np.random.default_rng(4))
    return replace(given, times=np.arange(given.n_events, dtype=np.float64))


def folds(protocol: Protocol, chosen: CrossFitSettings = SETTINGS, seed: int = 1) -> list[Fold]:
    return list(folds_of(timed(), protocol, chosen, np.random.default_rng(seed)))


def rows(part: HeldOut) -> list[tuple[list[int], set[int], set[int]]]:
    """History, targets and excluded items of each row."""
    found = []
    for row in range(len(part.histories)):
        history = part.histories.take(np.array([row]))
        found.append((history.items.tolist(), set(part.targets[[row]].indices), set(part.excluded[[row]].indices)))
    return found


@drawn(
    seed=st.integers(0, 1000),
    n_folds=st.integers(2, 6),
    share=st.floats(0.01, 0.45),
    protocol=st.sampled_from(Protocol),
)
@settings(max_examples=25, deadline=None)
def test_what_is_held_out_is_in_no_history(seed: int, n_folds: int, share: float, protocol: Protocol) -> None:
    chosen = CrossFitSettings(folds=n_folds, held_out_events=share, held_out_items=share, held_out_users=share)
    found = folds(protocol, chosen, seed)
    assert len(found) == (n_folds if protocol is Protocol.RANDOM else 2)
    whole = timed().matrix()
    for fold in found:
        assert not fold.items[fold.seen.items].any()
        assert (whole - fold.seen.matrix()).min() >= 0
        for part in fold.held_out:
            assert not fold.items[part.histories.items].any()
            assert (np.diff(part.targets.indptr) > 0).all()
            assert part.targets.multiply(part.excluded).nnz == 0
            assert part.targets.multiply(part.histories.matrix()).nnz == 0
            assert np.isin(part.targets.indices, part.candidates).all()
            assert fold.items[part.candidates].all() if part.kind == "items" else not fold.items[part.candidates].any()
    # No item is held out whole twice.
    assert np.sum([fold.items for fold in found], axis=0).max() <= 1


@pytest.mark.parametrize("protocol", Protocol)
def test_all_kinds_are_held_out(protocol: Protocol) -> None:
    for fold in folds(protocol):
        assert [part.kind for part in fold.held_out] == ["events", "items", "users"]
        assert fold.of("items") is fold.held_out[1]


def test_the_next_event_follows_its_history() -> None:
    given = timed()
    sequences = {tuple(given.take(np.array([user])).items.tolist()) for user in range(len(given))}
    for fold in folds(Protocol.NEXT):
        part = fold.of("events")
        assert part is not None
        for history, targets, _ in rows(part):
            (target,) = targets
            kept = [tuple(item for item in sequence if not fold.items[item]) for sequence in sequences]
            assert any(list(sequence[: len(history) + 1]) == [*history, target] for sequence in kept)


def test_the_last_events_of_a_user_are_not_seen_in_next() -> None:
    given = timed()
    for fold in folds(Protocol.NEXT):
        for user in range(len(given)):
            sequence = [item for item in given.take(np.array([user])).items.tolist() if not fold.items[item]]
            seen = fold.seen.take(np.array([user])).items.tolist()
            assert seen == sequence[: len(seen)]
            if seen and len(sequence) > 1:
                assert 1 <= len(sequence) - len(seen) <= max(1, len(sequence) // 5, 1)


@pytest.mark.parametrize("protocol", Protocol)
def test_new_users_begin_and_all_their_beginnings_have_one_rest(protocol: Protocol) -> None:
    given = timed()
    for fold in folds(protocol):
        part = fold.of("users")
        assert part is not None
        by_rest: dict[frozenset[int], list[int]] = {}
        for history, targets, excluded in rows(part):
            assert len(history) in BEGINNINGS
            assert set(history) <= excluded
            by_rest.setdefault(frozenset(targets), []).append(len(history))
        for lengths in by_rest.values():
            assert sorted(set(lengths)) == list(BEGINNINGS[: len(set(lengths))])
        # They are held out whole.
        silent = np.flatnonzero(fold.seen.is_empty)
        assert len(silent) >= int(0.2 * np.count_nonzero(given.lengths > 1))


def test_under_random_the_times_of_events_change_nothing() -> None:
    """Order is not read: histories come sorted by item."""
    given = domain().histories
    first, again = (
        list(folds_of(replace(given, times=times), Protocol.RANDOM, SETTINGS, np.random.default_rng(1)))
        for times in (None, np.random.default_rng(2).random(given.n_events))
    )
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.seen.items, other.seen.items)
        for part, same in zip(one.held_out, other.held_out, strict=True):
            np.testing.assert_array_equal(part.targets.toarray(), same.targets.toarray())
            np.testing.assert_array_equal(part.histories.items, same.histories.items)


def test_rows_are_sampled_where_there_are_many() -> None:
    for fold in folds(Protocol.NEXT, SETTINGS.model_copy(update={"max_users": 10})):
        assert max(len(part.histories) for part in fold.held_out) <= 10
