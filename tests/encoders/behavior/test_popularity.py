from __future__ import annotations

import numpy as np
import pytest

from encoders.behavior import Popularity, PopularitySettings
from encoders.block import TrainingData
from kg.histories import Histories
from whypath.testing import BlockContract
from whypath.testing.blocks.domain import histories_of, without_items


class TestPopularityContract(BlockContract):
    block_type = Popularity

    @classmethod
    def fit(cls, data: TrainingData) -> Popularity:
        return Popularity.fit(data)


@pytest.fixture
def given() -> Histories:
    """Three users of whom the last had item 0 twice, with weights."""
    weights = np.array([1, 1, 1, 2, 2, 1, 0.5], dtype=np.float32)
    return Histories(np.array([0, 2, 3, 7]), np.array([0, 1, 1, 0, 0, 1, 3], dtype=np.int32), 4, weights=weights)


def test_scores_are_user_counts_whatever_the_weights(given: Histories) -> None:
    scores = Popularity.learn(given, PopularitySettings(scale="count")).scores(given)
    np.testing.assert_array_equal(scores, [[2, 3, 0, 1]] * 3)


def test_log_scale_keeps_the_order(given: Histories) -> None:
    np.testing.assert_allclose(Popularity.learn(given).scores(given)[0], np.log1p([2, 3, 0, 1]), rtol=1e-6)


def test_an_empty_history_gets_popularity_too(given: Histories) -> None:
    block = Popularity.learn(given)
    np.testing.assert_array_equal(block.scores(histories_of(np.zeros((1, 4)))), block.scores(given)[:1])


def test_items_left_out_count_nothing(given: Histories) -> None:
    scores = Popularity.learn(without_items(given, [1]), PopularitySettings(scale="count")).scores(given)
    np.testing.assert_array_equal(scores[0], [2, 0, 0, 1])
