from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from encoders.behavior import RP3Beta, RP3BetaSettings
from encoders.block import TrainingData
from whypath.testing import BlockContract
from whypath.testing.blocks.domain import histories_of


class TestRP3BetaContract(BlockContract):
    block_type = RP3Beta

    @classmethod
    def fit(cls, data: TrainingData) -> RP3Beta:
        return RP3Beta.fit(data, RP3BetaSettings(neighbours=12))


def reference(x: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    """All weights [from, to] by walking every path item → user → item."""
    n_users, n_items = x.shape
    weights = np.zeros((n_items, n_items))
    for start in range(n_items):
        for end in range(n_items):
            if start == end:
                continue
            for user in range(n_users):
                if x[user, start] and x[user, end]:
                    first = x[user, start] / x[:, start].sum()
                    second = x[user, end] / x[user].sum()
                    weights[start, end] += first**alpha * second**alpha / x[:, end].sum() ** beta
    return weights


@given(
    x=hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=8),
        elements=st.sampled_from([0.0, 1.0]),
    ),
    alpha=st.sampled_from([0.0, 0.5, 1.0, 1.4]),
    beta=st.sampled_from([0.0, 0.3, 1.0]),
)
@settings(max_examples=80, deadline=None)
def test_equals_walking_every_path(x: np.ndarray, alpha: float, beta: float) -> None:
    block = RP3Beta.learn(histories_of(x), RP3BetaSettings(alpha=alpha, beta=beta))
    np.testing.assert_allclose(block.state().tensors["weights"], reference(x, alpha, beta), rtol=1e-5, atol=1e-7)


def test_history_items_keep_their_strongest_targets() -> None:
    x = (np.random.default_rng(0).random((40, 12)) < 0.4).astype(np.float64)
    full = reference(x, 0.5, 0.3)
    weights = (
        RP3Beta.learn(histories_of(x), RP3BetaSettings(alpha=0.5, beta=0.3, neighbours=4)).state().tensors["weights"]
    )
    for source in range(12):
        best = np.argsort(-full[source])[:4]
        assert set(np.flatnonzero(weights[source])) == set(best)
        np.testing.assert_allclose(weights[source, best], full[source, best], rtol=1e-5)
