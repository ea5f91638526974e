from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from encoders.behavior import Popularity, PopularitySettings
from encoders.block import Block, Catalogue
from tests.encoders.contract import BlockContract


class TestPopularityContract(BlockContract):
    block_type = Popularity

    @classmethod
    def fit(cls, matrix: sp.csr_array, over: Catalogue) -> Popularity:
        return Popularity.fit(matrix)

    def without_target(self, block: Block, matrix: sp.csr_array, user: int, item: int) -> float:
        counts = np.expm1(block.scores(matrix[user : user + 1])[0, item])
        return float(np.log1p(max(counts - 1, 0)))


@pytest.fixture
def matrix() -> sp.csr_array:
    return sp.csr_array(np.array([[1, 1, 0, 0], [0, 1, 0, 0], [2, 1, 0, 0.5]], dtype=np.float32))


def test_scores_are_user_counts_whatever_the_weights(matrix: sp.csr_array) -> None:
    scores = Popularity.fit(matrix, PopularitySettings(scale="count")).scores(matrix)
    np.testing.assert_array_equal(scores, [[2, 3, 0, 1]] * 3)


def test_log_scale_keeps_the_order(matrix: sp.csr_array) -> None:
    np.testing.assert_allclose(Popularity.fit(matrix).scores(matrix)[0], np.log1p([2, 3, 0, 1]), rtol=1e-6)


def test_an_empty_history_gets_popularity_too(matrix: sp.csr_array) -> None:
    block = Popularity.fit(matrix)
    np.testing.assert_array_equal(
        block.scores(sp.csr_array(np.zeros((1, 4), dtype=np.float32))), block.scores(matrix)[:1]
    )


def test_leave_one_out_takes_the_users_own_count(matrix: sp.csr_array) -> None:
    block = Popularity.fit(matrix, PopularitySettings(scale="count"))
    np.testing.assert_array_equal(block.loo_scores(matrix), [1, 2, 2, 1, 2, 0])


def test_masked_items_count_nothing(matrix: sp.csr_array) -> None:
    mask = np.array([True, False, True, True])
    scores = Popularity.fit(matrix, PopularitySettings(scale="count"), item_mask=mask).scores(matrix)
    np.testing.assert_array_equal(scores[0], [2, 0, 0, 1])
