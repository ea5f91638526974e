from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fusion.ranking import tie_break_keys, top_k


def by_sorting(scores: np.ndarray, k: int, keys: np.ndarray, excluded: set[int], candidates: list[int]) -> list[int]:
    """The list of one user the slow way."""
    places = [place for place, item in enumerate(candidates) if item not in excluded and scores[place] > -np.inf]
    best = sorted(places, key=lambda place: (-scores[place], int(keys[place])))
    return [candidates[place] for place in best[:k]]


@given(data=st.data(), n_users=st.integers(0, 5), n_items=st.integers(1, 12), k=st.integers(1, 15))
@settings(max_examples=150, deadline=None)
def test_equals_sorting(data: st.DataObject, n_users: int, n_items: int, k: int) -> None:
    candidates = data.draw(st.permutations(range(n_items)))[: data.draw(st.integers(1, n_items))]
    # Few distinct values, so that ties are everywhere, also at the k-th place.
    values = st.sampled_from([-np.inf, -1.0, 0.0, -0.0, 0.5, 2.0])
    scores = data.draw(hnp.arrays(np.float32, (n_users, len(candidates)), elements=values))
    excluded = data.draw(hnp.arrays(np.bool_, (n_users, n_items)))
    keys = tie_break_keys([f"item {item}" for item in candidates])
    found = top_k(
        scores, k, tie_break=keys, excluded=sp.csr_array(excluded.astype(np.float32)), candidates=np.array(candidates)
    )
    assert found.items.shape == found.scores.shape == (n_users, k)
    for user in range(n_users):
        expected = by_sorting(scores[user], k, keys, set(np.flatnonzero(excluded[user]).tolist()), candidates)
        assert found.items[user].tolist() == expected + [-1] * (k - len(expected))
        places = [candidates.index(item) for item in expected]
        np.testing.assert_array_equal(found.scores[user, : len(expected)], scores[user, places])
        assert np.isnan(found.scores[user, len(expected) :]).all()


@given(data=st.data(), n_users=st.integers(1, 3), n_items=st.integers(500, 4000), k=st.integers(1, 90))
@settings(max_examples=60, deadline=None)
def test_equals_sorting_where_items_are_many(data: st.DataObject, n_users: int, n_items: int, k: int) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    scores = rng.standard_normal((n_users, n_items)).astype(np.float32)
    levels = data.draw(st.sampled_from([0, 1, 3, 50, None]))
    if levels is not None:
        scores = np.round(scores * levels).astype(np.float32)
    # The rest of each row is taken out, has one score, or stays as it is.
    rest = data.draw(st.integers(0, n_items))
    scores[:, rest:] = data.draw(st.sampled_from([-np.inf, 0.0, scores[:, rest:], 9.0]))
    if data.draw(st.booleans()):
        scores = np.sort(scores, axis=1)
    keys = rng.integers(0, 2**64 - 1, n_items, dtype=np.uint64)
    found = top_k(scores, k, tie_break=keys)
    for user in range(n_users):
        order = np.lexsort((keys, -scores[user]))[:k]
        order = order[scores[user, order] > -np.inf]
        np.testing.assert_array_equal(found.items[user, : len(order)], order)
        np.testing.assert_array_equal(found.scores[user, : len(order)], scores[user, order])
        assert (found.items[user, len(order) :] == -1).all()


@given(seed=st.integers(0, 1000), n_items=st.integers(2, 3000), share=st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_a_score_that_is_no_number_is_never_passed_over(seed: int, n_items: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    scores = np.where(rng.random((2, n_items)) < share, 1.0, rng.random((2, n_items))).astype(np.float32)
    scores[1, rng.integers(n_items)] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        top_k(scores, 10, tie_break=np.arange(n_items, dtype=np.uint64))


def test_equal_scores_do_not_follow_ids_or_order() -> None:
    ids = [str(number) for number in range(200)]
    scores = np.zeros((1, 200), dtype=np.float32)
    found = top_k(scores, 200, tie_break=tie_break_keys(ids)).items[0]
    assert abs(np.corrcoef(found, np.arange(200))[0, 1]) < 0.2
    moved = list(reversed(ids))
    again = top_k(scores, 200, tie_break=tie_break_keys(moved)).items[0]
    assert [moved[place] for place in again] == [ids[place] for place in found]


def test_keys_are_fixed_for_good() -> None:
    assert tie_break_keys(["1", "Zoë"]).tolist() == [0xF6FC42039FBA3776, 0x789FB70695EF899A]
    assert tie_break_keys([]).shape == (0,)


def test_candidates_are_all_items_by_default() -> None:
    scores = np.array([[0.1, 0.9, 0.5]], dtype=np.float32)
    keys = tie_break_keys(["a", "b", "c"])
    assert top_k(scores, 2, tie_break=keys).items.tolist() == [[1, 2]]
    seen = sp.csr_array(np.array([[0, 1, 0]], dtype=np.float32))
    assert top_k(scores, 2, tie_break=keys, excluded=seen).items.tolist() == [[2, 0]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": np.array([[np.nan, 1.0]], dtype=np.float32)}, "NaN"),
        ({"k": 0}, "at least 1"),
        ({"tie_break": tie_break_keys(["a"])}, "do not fit"),
        ({"candidates": np.array([0])}, "do not fit"),
        ({"excluded": sp.csr_array(np.zeros((3, 2), dtype=np.float32))}, "3 users"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict, message: str) -> None:
    arguments = {
        "scores": np.zeros((1, 2), dtype=np.float32),
        "k": 1,
        "tie_break": tie_break_keys(["a", "b"]),
        **change,
    }
    with pytest.raises(ValueError, match=message):
        top_k(arguments.pop("scores"), arguments.pop("k"), **arguments)
