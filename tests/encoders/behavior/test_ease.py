from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from encoders.behavior import EASE, EASESettings
from encoders.behavior import ease as ease_module
from encoders.behavior.local_ease import local_weights
from encoders.block import TrainingData
from whypath.testing import BlockContract
from whypath.testing.blocks.domain import histories_of, without_items


class TestEASEContract(BlockContract):
    block_type = EASE

    @classmethod
    def fit(cls, data: TrainingData) -> EASE:
        return EASE.fit(data, EASESettings(regularization=5.0))


class TestLocalEASEContract(TestEASEContract):
    @classmethod
    def fit(cls, data: TrainingData) -> EASE:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(ease_module, "MAX_ITEMS", 3)
            return super().fit(data)


def ridge_without_the_item(x: np.ndarray, regularization: float) -> np.ndarray:
    """The same optimum, one item at a time: regress an item's column on all the others."""
    n_items = x.shape[1]
    weights = np.zeros((n_items, n_items))
    for item in range(n_items):
        others = [other for other in range(n_items) if other != item]
        rest = x[:, others]
        normal = rest.T @ rest + regularization * np.eye(len(others))
        weights[others, item] = np.linalg.solve(normal, rest.T @ x[:, item])
    return weights


@given(
    x=hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=9),
        elements=st.sampled_from([0.0, 1.0]),
    ),
    regularization=st.floats(0.5, 50),
    weight=st.sampled_from([0.3, 1.0, 2.5]),
)
@settings(max_examples=60, deadline=None)
def test_equals_a_ridge_regression_per_item(x: np.ndarray, regularization: float, weight: float) -> None:
    block = EASE.learn(histories_of(x), EASESettings(regularization=regularization))
    weights = weight * x
    expected = weights @ ridge_without_the_item(x, regularization)
    np.testing.assert_allclose(block.scores_of(sp.csr_array(weights.astype(np.float32))), expected, atol=1e-4)


def test_items_that_nobody_has_take_no_part() -> None:
    x = (np.random.default_rng(0).random((30, 8)) < 0.4).astype(np.float64)
    mask = np.ones(8, dtype=bool)
    mask[[2, 5]] = False
    block = EASE.learn(without_items(histories_of(x), [2, 5]), EASESettings(regularization=3.0))
    expected = np.zeros((8, 8))
    expected[np.ix_(mask, mask)] = ridge_without_the_item(x[:, mask], 3.0)
    np.testing.assert_allclose(block.state().tensors["weights"], expected, atol=1e-6)


def test_weights_from_all_neighbours_are_those_of_the_inverse() -> None:
    x = (np.random.default_rng(2).random((60, 9)) < 0.5).astype(np.float32)
    exact = ridge_without_the_item(x, 4.0)
    np.testing.assert_allclose(local_weights(sp.csr_array(x), 4.0, 8, 1).toarray(), exact, atol=1e-5)


def test_an_item_is_predicted_from_its_most_similar_items_alone() -> None:
    x = (np.random.default_rng(3).random((80, 12)) < 0.4).astype(np.float32)
    weights = local_weights(sp.csr_array(x), 2.0, 3, 1).toarray()
    gram = x.T @ x
    cosines = gram / np.sqrt(np.outer(np.diag(gram), np.diag(gram)))
    for item in range(12):
        others = np.flatnonzero(np.arange(12) != item)
        nearest = np.sort(others[np.argsort(-cosines[others, item], kind="stable")[:3]])
        assert set(np.flatnonzero(weights[:, item])) <= set(nearest)
        expected = np.linalg.solve(gram[np.ix_(nearest, nearest)] + 2.0 * np.eye(3), gram[nearest, item])
        np.testing.assert_allclose(weights[nearest, item], expected, atol=1e-5)


@pytest.mark.parametrize("min_users", [1, 3])
def test_a_large_catalogue_is_predicted_from_neighbours(monkeypatch: pytest.MonkeyPatch, min_users: int) -> None:
    x = (np.random.default_rng(4).random((50, 8)) < 0.4).astype(np.float64)
    seen = without_items(histories_of(x), [1])
    settings = EASESettings(regularization=500.0, min_users=min_users)
    exact = EASE.learn(seen, settings)
    monkeypatch.setattr(ease_module, "MAX_ITEMS", 5)
    found = EASE.learn(seen, settings)
    if min_users == 1:
        np.testing.assert_allclose(found.scores(seen), exact.scores(seen), atol=1e-5)
    rare = (x.T @ x < min_users) & ~np.eye(8, dtype=bool)
    assert not found.state().tensors["weights"][rare].any()


def test_a_gram_matrix_without_its_rare_pairs_can_be_solved() -> None:
    # All users have item 0. Item 1 has each of the others with three users, who have one another with one.
    pairs = np.repeat(np.concatenate([np.ones((6, 2)), np.eye(6)], axis=1), 2, axis=0)
    x = np.concatenate([pairs, np.ones((1, 8))]).astype(np.float32)
    kept = (x.T @ x)[1:, 1:] * (((x.T @ x)[1:, 1:] >= 3) | np.eye(7, dtype=bool))
    assert np.linalg.eigvalsh(kept).min() < -1e-3
    weights = local_weights(sp.csr_array(x), 1e-3, 7, 3)
    assert np.isfinite(weights.data).all()
    assert 0 < np.abs(weights.data).max() < 10
