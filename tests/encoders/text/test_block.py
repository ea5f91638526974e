from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from encoders.block import TrainingData
from encoders.tensors import StateUnreadable
from encoders.text import TextBlock, TextBlockSettings
from whypath.testing import BlockContract
from whypath.testing.blocks.domain import (
    N_ITEMS,
    N_PEOPLE,
    bound,
    catalogue,
    histories,
    histories_of,
    training,
    without_items,
)

SMALL = TextBlockSettings(rank=6, shrinkage=2.0)


class TestTextBlockContract(BlockContract):
    block_type = TextBlock

    @classmethod
    def fit(cls, data: TrainingData) -> TextBlock:
        return TextBlock.fit(data, SMALL)


class TestSampledLandmarksContract(BlockContract):
    block_type = TextBlock

    @classmethod
    def fit(cls, data: TrainingData) -> TextBlock:
        return TextBlock.fit(data, SMALL.model_copy(update={"landmarks": 9}), seed=2)


def test_equals_kernel_ridge_regression_by_hand() -> None:
    data = training()
    over = data.catalogue
    block = TextBlock.fit(data, SMALL)
    dense = data.matrix.toarray().astype(np.float64)
    _, strengths, rows = np.linalg.svd(dense, full_matrices=False)
    behavior = rows[:6].T
    trained = np.any(dense, axis=0)
    points = over.contents["text"].astype(np.float64) - over.contents["text"][trained].mean(axis=0)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    kernel = np.exp(SMALL.sharpness * (points @ points.T - 1))
    mean = behavior[trained].mean(axis=0)
    normal = kernel[np.ix_(trained, trained)] + SMALL.ridge * np.eye(int(np.count_nonzero(trained)))
    foretold = mean + kernel[:, trained] @ np.linalg.solve(normal, behavior[trained] - mean)
    summed = (
        np.where(trained[:, None], behavior, foretold) * strengths[:6] ** 2 / (strengths[:6] ** 2 + SMALL.shrinkage)
    )
    np.testing.assert_allclose(block.scores(data.histories), dense @ summed @ foretold.T, atol=1e-5)


def test_all_landmarks_sampled_is_the_full_regression() -> None:
    """The subset of regressors over all points is kernel ridge regression; one landmark less differs a little."""
    data = training()
    full = TextBlock.fit(data, SMALL).scores(data.histories)
    nearly = TextBlock.fit(data, SMALL.model_copy(update={"landmarks": N_ITEMS - 3})).scores(data.histories)
    assert 0 < np.abs(nearly - full).max() < 0.1 * np.abs(full).max()


def test_items_that_nobody_has_are_scored_by_their_text() -> None:
    """Items of a director without any behaviour are best for those who like the director's other films."""
    given, over = histories(), catalogue(range(N_ITEMS))
    cold = np.arange(N_PEOPLE, 2 * N_PEOPLE)
    seen = without_items(given, cold)
    scores = TextBlock.fit(TrainingData(seen, over), SMALL).scores(given, cold)
    liked = given.matrix().toarray()[:, cold] > 0
    assert scores[liked].mean() > scores[~liked].mean() + scores.std() / 2
    without_text = replace(
        over, contents={"text": np.random.default_rng(0).normal(size=(N_ITEMS, 12)).astype(np.float32)}
    )
    chance = TextBlock.fit(TrainingData(seen, without_text), SMALL).scores(given, cold)
    assert scores[liked].mean() - scores[~liked].mean() > 2 * (chance[liked].mean() - chance[~liked].mean())


def test_large_matrices_use_an_iteration_that_repeats() -> None:
    data = training()
    given = data.histories
    narrow = TextBlockSettings(rank=5, shrinkage=2.0)
    first = TextBlock.fit(data, narrow)
    np.testing.assert_array_equal(TextBlock.fit(data, narrow).scores(given), first.scores(given))
    _, strengths, rows = np.linalg.svd(data.matrix.toarray().astype(np.float64), full_matrices=False)
    found = first.state().tensors
    np.testing.assert_allclose(found["strength"], strengths[:5] ** 2 / (strengths[:5] ** 2 + 2), rtol=1e-5)
    np.testing.assert_allclose(found["behavior"] @ found["behavior"].T, rows[:5].T @ rows[:5], atol=1e-5)


def test_items_without_text_are_average() -> None:
    given, over = histories(), catalogue(range(N_ITEMS))
    texts = over.contents["text"].copy()
    texts[[3, 8]] = 0
    block = TextBlock.fit(TrainingData(given, replace(over, contents={"text": texts})), SMALL)
    scores = block.scores(given)
    np.testing.assert_array_equal(scores[:, 3], scores[:, 8])
    assert np.isfinite(scores).all()


def test_no_behaviour_at_all_gives_zeros() -> None:
    over = catalogue(range(N_ITEMS))
    empty = histories_of(np.zeros((4, N_ITEMS)))
    assert not TextBlock.fit(TrainingData(empty, over), SMALL).scores(histories()).any()


def test_catalogues_without_fitting_texts_are_refused() -> None:
    data = training()
    over = data.catalogue
    block = TextBlock.fit(data, SMALL)
    with pytest.raises(ValueError, match="text vectors"):
        TextBlock.fit(replace(data, catalogue=replace(over, contents={})), SMALL)
    with pytest.raises(StateUnreadable, match="text vectors of length"):
        bound(block, replace(over, contents={}))
    with pytest.raises(StateUnreadable, match="text vectors of length"):
        bound(block, replace(over, contents={"text": np.ones((N_ITEMS, 5), dtype=np.float32)}))
