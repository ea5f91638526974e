from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from encoders.behavior import EASE, CatalogueTooLarge, EASESettings
from encoders.behavior import ease as ease_module
from encoders.block import TrainingData
from whypath.testing import BlockContract
from whypath.testing.blocks.domain import histories_of, without_items


class TestEASEContract(BlockContract):
    block_type = EASE

    @classmethod
    def fit(cls, data: TrainingData) -> EASE:
        return EASE.fit(data, EASESettings(regularization=5.0))


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


def test_a_large_catalogue_is_refused_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ease_module, "MAX_ITEMS", 5)
    with pytest.raises(CatalogueTooLarge, match="rp3beta or ials"):
        EASE.learn(histories_of(np.eye(6)))
    # Only items with interactions enter the inverse.
    assert EASE.learn(histories_of(np.eye(5, 40))).n_items == 40
