"""What few users did is left out of what is learnt: items, pairs, exact counts."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.behavior import BEHAVIOR, EASE, EASESettings
from encoders.behavior.base import BehaviorBlock
from encoders.behavior.rare import coarse_counts, drop_rare_pairs, without_rare_items
from kg.histories import Histories
from whypath.testing.blocks.domain import histories_of

MATRICES = st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=12).map(
    lambda rows: sp.csr_array(np.array(rows, dtype=np.float32))
)


@given(MATRICES, st.integers(1, 4))
def test_items_that_few_users_have_are_gone_and_all_else_is_there(matrix: sp.csr_array, floor: int) -> None:
    dense = matrix.toarray()
    kept = without_rare_items(Histories.of_matrix(matrix), floor).matrix().toarray()
    counts = (dense > 0).sum(axis=0)
    assert np.array_equal(kept, np.where(counts >= floor, dense, 0))


@given(MATRICES, st.integers(1, 4))
def test_pairs_that_few_users_have_together_are_gone(matrix: sp.csr_array, floor: int) -> None:
    gram = (matrix.T @ matrix).toarray().astype(np.float64)
    expected = gram.copy()
    expected[(gram < floor) & ~np.eye(6, dtype=bool)] = 0
    drop_rare_pairs(gram, floor)
    assert np.array_equal(gram, expected)


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=50), st.integers(2, 7))
def test_counts_are_told_in_steps_that_keep_their_order_and_hide_them(numbers: list[int], floor: int) -> None:
    counts = np.array(numbers)
    told = coarse_counts(counts, floor)
    everything = coarse_counts(np.arange(6001), floor)
    assert np.array_equal(told, everything[counts])
    assert (everything[:floor] == 0).all()
    assert (np.diff(everything) >= 0).all()
    # Every number that is told stands for so many counts at least.
    values, sizes = np.unique(everything[floor:5000], return_counts=True)
    assert (sizes[:-1] >= floor).all()
    inside = np.arange(floor, 5000)
    assert (np.abs(everything[inside] - inside) <= np.maximum(floor, 0.5 * np.sqrt(inside)) / 2 + 0.5).all()
    assert len(values) > 5


def test_a_floor_of_one_keeps_counts() -> None:
    assert coarse_counts(np.array([0, 1, 2, 1234]), 1).tolist() == [0, 1, 2, 1234]


def history_of_the_only_owner(weights: np.ndarray, item: int) -> set[int]:
    return set(np.flatnonzero(np.abs(weights[item]) + np.abs(weights[:, item])).tolist())


def weights_of(block: BehaviorBlock) -> np.ndarray:
    tensors = block.state().tensors
    if "weights" in tensors:
        return tensors["weights"]
    parts = (tensors["weights_data"], tensors["weights_indices"], tensors["weights_indptr"])
    return sp.csr_array(parts, shape=(block.n_fitted, block.n_fitted)).toarray()


@pytest.mark.parametrize("name", ["ease", "itemknn", "rp3beta"])
@given(MATRICES, st.integers(2, 3))
@settings(max_examples=30)
def test_item_item_models_learn_nothing_from_rare_pairs(name: str, matrix: sp.csr_array, floor: int) -> None:
    kind = BEHAVIOR[name]
    kept = without_rare_items(Histories.of_matrix(matrix), floor)
    together = (kept.matrix().T @ kept.matrix()).toarray()
    learned = kind.learn(kept, kind.settings_type(min_users=floor))
    found = weights_of(learned)
    if name != "ease":  # whose weights are those of an inverse
        assert not found[together < floor].any()
    else:
        assert not found[:, together.diagonal() == 0].any()


@given(st.integers(0, 10_000))
@settings(max_examples=20)
def test_ease_is_the_same_whoever_had_a_rare_pair(seed: int) -> None:
    rng = np.random.default_rng(seed)
    others = (rng.random((40, 8)) < 0.5).astype(np.float32)
    others[:, :2] = 0
    others[0, 0] = others[1, 1] = 1  # each item has two users, and nobody else had both
    one = np.zeros((2, 8), dtype=np.float32)
    one[0, :2] = 1
    two = np.eye(2, 8, dtype=np.float32)
    kind = BEHAVIOR["ease"]
    together, apart = (
        weights_of(kind.learn(histories_of(np.vstack([others, rows])), kind.settings_type(min_users=2)))
        for rows in (one, two)
    )
    np.testing.assert_allclose(together, apart, atol=1e-6)


def test_without_a_floor_a_rare_item_tells_its_owners_history_and_with_one_it_does_not() -> None:
    rng = np.random.default_rng(5)
    dense = (rng.random((200, 60)) < 0.2).astype(np.float32)
    dense[:, 0] = 0
    dense[7, 0] = 1
    mine = set(np.flatnonzero(dense[7]).tolist()) - {0}
    given = histories_of(dense)
    for name in ("ease", "itemknn", "rp3beta"):
        kind = BEHAVIOR[name]
        told = weights_of(kind.learn(given))
        ranked = np.argsort(-(told[0] + told[:, 0]), kind="stable")[: len(mine)]
        assert len(mine & set(ranked.tolist())) / len(mine) > 0.8
        hidden = weights_of(kind.learn(without_rare_items(given, 2), kind.settings_type(min_users=2)))
        assert history_of_the_only_owner(hidden, 0) == set()


def test_ease_stays_solvable_where_most_pairs_are_rare(caplog: pytest.LogCaptureFixture) -> None:
    rng = np.random.default_rng(1)
    given = histories_of(rng.random((60, 150)) < 0.3)
    with caplog.at_level(logging.WARNING):
        learned = EASE.learn(given, EASESettings(min_users=6, regularization=0.5))
    assert np.isfinite(weights_of(learned)).all()
    assert "ease: the regularization is too small" in caplog.text
