from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from encoders.behavior import IALS, IALSSettings
from encoders.block import TrainingData
from whypath.testing import BlockContract
from whypath.testing.blocks.domain import histories, without_items


class TestIALSContract(BlockContract):
    block_type = IALS

    @classmethod
    def fit(cls, data: TrainingData) -> IALS:
        return IALS.fit(data, IALSSettings(factors=6, regularization=1.0, epochs=4), seed=3)


def ridge(weights: np.ndarray, vectors: np.ndarray, unobserved: float, regularization: float) -> np.ndarray:
    """The user's minimum as one stacked least-squares problem: observed rows, unobserved rows, ridge rows."""
    factors = vectors.shape[1]
    left = np.concatenate(
        [np.sqrt(weights)[:, None] * vectors, np.sqrt(unobserved) * vectors, np.sqrt(regularization) * np.eye(factors)]
    )
    right = np.concatenate([np.sqrt(weights), np.zeros(len(vectors) + factors)])
    return np.linalg.lstsq(left, right, rcond=None)[0]


@given(
    weights=hnp.arrays(np.float64, (4, 10), elements=st.sampled_from([0.0, 1.0, 0.3, 2.0])),
    seed=st.integers(0, 100),
    unobserved=st.floats(0.1, 2),
    regularization=st.floats(0.5, 20),
)
@settings(max_examples=50, deadline=None)
def test_the_scores_come_of_the_exact_minimum(
    weights: np.ndarray, seed: int, unobserved: float, regularization: float
) -> None:
    vectors = np.random.default_rng(seed).normal(size=(10, 4)).astype(np.float32)
    chosen = IALSSettings(factors=4, unobserved=unobserved, regularization=regularization)
    block = IALS(vectors, chosen, np.arange(10, dtype=np.int32))
    found = block.scores_of(sp.csr_array(weights.astype(np.float32)))
    for row, scores in zip(weights.astype(np.float32), found, strict=True):
        vector = ridge(row, vectors, unobserved, regularization)
        np.testing.assert_allclose(scores, vectors @ vector, atol=3e-4)


def objective(x: np.ndarray, users: np.ndarray, items: np.ndarray, chosen: IALSSettings) -> float:
    scores = users @ items.T
    observed = (x * (1 - scores) ** 2).sum() + chosen.unobserved * (scores**2).sum()
    return float(observed + chosen.regularization * ((users**2).sum() + (items**2).sum()))


def test_every_epoch_lowers_the_objective() -> None:
    given = histories()
    values = []
    for epochs in range(1, 8):
        chosen = IALSSettings(factors=5, regularization=0.5, epochs=epochs, item_exponent=0.0)
        block = IALS.learn(given, chosen, seed=1)
        items = block.state().tensors["vectors"]
        values.append(objective(given.matrix().toarray(), block.user_vectors(given), items, chosen))
    assert all(later <= earlier * (1 + 1e-6) for earlier, later in pairwise(values))
    assert values[-1] < values[0]


def test_equals_the_library_implicit_after_training() -> None:
    """Same optimum as `implicit` in its own parametrisation (α, reg), started from the same vectors."""
    implicit_als = pytest.importorskip("implicit.cpu.als")
    given = histories()
    alpha, regularization, factors = 3.0, 2.0, 5
    peer = implicit_als.AlternatingLeastSquares(
        factors=factors,
        alpha=alpha,
        regularization=regularization,
        iterations=300,
        use_cg=False,
        random_state=0,
        num_threads=1,
        dtype=np.float64,
    )
    peer.fit(sp.csr_matrix(given.matrix()), show_progress=False)
    chosen = IALSSettings(
        factors=factors,
        regularization=regularization / alpha,
        unobserved=1 / (alpha - 1),
        epochs=300,
        item_exponent=0.0,
    )
    found = IALS.learn(given, chosen, seed=0).scores(given)
    # implicit's target is α/(α−1) where ours is 1: scores differ by that factor.
    expected = peer.user_factors @ peer.item_factors.T * (alpha - 1) / alpha
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_seeds_repeat_and_differ() -> None:
    given = histories()
    chosen = IALSSettings(factors=4, epochs=2)
    first = IALS.learn(given, chosen, seed=1).scores(given)
    np.testing.assert_array_equal(IALS.learn(given, chosen, seed=1).scores(given), first)
    assert not np.array_equal(IALS.learn(given, chosen, seed=2).scores(given), first)


def test_items_that_nobody_has_have_no_vector() -> None:
    given = histories()
    mask = np.ones(given.n_items, dtype=bool)
    mask[[0, 4]] = False
    block = IALS.learn(without_items(given, [0, 4]), IALSSettings(factors=4, epochs=2))
    vectors = block.state().tensors["vectors"]
    assert not vectors[[0, 4]].any()
    assert vectors[mask][:-2].any(axis=1).all()


@pytest.mark.parametrize("factors", [4, 32])
def test_many_histories_are_folded_in_as_each_alone(factors: int) -> None:
    rng = np.random.default_rng(factors)
    vectors = rng.normal(size=(60, factors)).astype(np.float32)
    block = IALS(vectors, IALSSettings(factors=factors), np.arange(60, dtype=np.int32))
    # Lengths from 0 to 60: rows that are solved in the space of their entries, and rows that are not.
    weighed = sp.csr_array(rng.random((80, 60)) < np.linspace(0, 1, 80)[:, None]).astype(np.float32)
    weighed.data[:] = rng.choice([-1.0, 0.0, 0.3, 1.0], weighed.nnz)
    alone = [block.scores_of(sp.csr_array(weighed[[row]]))[0] for row in range(80)]
    np.testing.assert_allclose(block.scores_of(weighed), alone, rtol=1e-5, atol=1e-6)
