from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from encoders.behavior import ItemKNN, ItemKNNSettings
from encoders.block import TrainingData
from whypath.testing import BlockContract
from whypath.testing.blocks.domain import histories_of


class TestItemKNNContract(BlockContract):
    block_type = ItemKNN

    @classmethod
    def fit(cls, data: TrainingData) -> ItemKNN:
        return ItemKNN.fit(data, ItemKNNSettings(neighbours=6, shrink=2.0))


def reference(x: np.ndarray, neighbours: int, shrink: float, asymmetry: float) -> np.ndarray:
    """Weights [from, to] by plain loops, with all neighbours that equal the last one kept."""
    n_items = x.shape[1]
    weights = np.zeros((n_items, n_items))
    for target in range(n_items):
        similar = np.zeros(n_items)
        for source in range(n_items):
            overlap = float((x[:, target] * x[:, source]).sum())
            if source != target and overlap > 0:
                norms = (x[:, target] ** 2).sum() ** asymmetry * (x[:, source] ** 2).sum() ** (1 - asymmetry)
                similar[source] = overlap / (norms + shrink)
        last = sorted(similar, reverse=True)[:neighbours][-1]
        weights[:, target] = np.where((similar >= last - 1e-12) & (similar > 0), similar, 0)
    return weights


@given(
    x=hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=10),
        elements=st.sampled_from([0.0, 1.0]),
    ),
    neighbours=st.integers(1, 12),
    shrink=st.sampled_from([0.0, 1.0, 7.5]),
    asymmetry=st.sampled_from([0.0, 0.3, 0.5, 1.0]),
)
@settings(max_examples=80, deadline=None)
def test_equals_plain_loops(x: np.ndarray, neighbours: int, shrink: float, asymmetry: float) -> None:
    block = ItemKNN.learn(histories_of(x), ItemKNNSettings(neighbours=neighbours, shrink=shrink, asymmetry=asymmetry))
    np.testing.assert_allclose(block.state().tensors["weights"], reference(x, neighbours, shrink, asymmetry), atol=1e-6)


def test_neighbours_do_not_depend_on_item_order() -> None:
    x = (np.random.default_rng(4).random((20, 15)) < 0.3).astype(np.float32)
    order = np.random.default_rng(5).permutation(15)
    weights = ItemKNN.learn(histories_of(x), ItemKNNSettings(neighbours=3)).state().tensors["weights"]
    again = ItemKNN.learn(histories_of(x[:, order]), ItemKNNSettings(neighbours=3)).state().tensors["weights"]
    np.testing.assert_array_equal(again, weights[np.ix_(order, order)])
