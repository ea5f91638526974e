from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from encoders.behavior import RP3Beta, item_item
from encoders.behavior.item_item import row_blocks, strongest_in_rows
from encoders.block import TrainingData
from whypath.testing import BlockContract
from whypath.testing.blocks.domain import histories


class TestSparseItemItemContract(BlockContract):
    """The form that large catalogues take: weights as csr, products in many small blocks."""

    block_type = RP3Beta

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def small_limits(cls):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(item_item, "DENSE_ITEMS", 3)
            patch.setattr(item_item, "BLOCK_BYTES", 400)
            yield

    @classmethod
    def fit(cls, data: TrainingData) -> RP3Beta:
        block = RP3Beta.fit(data)
        assert set(block.state().tensors) == {"weights_data", "weights_indices", "weights_indptr"}
        return block


def test_sparse_and_dense_weights_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    given = histories()
    dense = RP3Beta.learn(given).scores(given)
    monkeypatch.setattr(item_item, "DENSE_ITEMS", 3)
    np.testing.assert_allclose(RP3Beta.learn(given).scores(given), dense, rtol=1e-5)


@given(
    values=hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=8),
        elements=st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0]),
    ),
    k=st.integers(1, 8),
)
def test_the_strongest_are_kept_with_their_ties(values: np.ndarray, k: int) -> None:
    kept = strongest_in_rows(sp.csr_array(values), k).toarray()
    for row, found in zip(values, kept, strict=True):
        positive = sorted(row[row > 0], reverse=True)
        last = positive[min(k, len(positive)) - 1] if positive else np.inf
        np.testing.assert_array_equal(found, np.where((row >= last) & (row > 0), row, 0))


def test_row_blocks_cover_the_product(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = histories().matrix()
    monkeypatch.setattr(item_item, "BLOCK_BYTES", 500)
    blocks = list(row_blocks(sp.csr_array(matrix.T), matrix))
    assert len(blocks) > 5
    np.testing.assert_array_equal(sp.vstack([block for _, block in blocks]).toarray(), (matrix.T @ matrix).toarray())
