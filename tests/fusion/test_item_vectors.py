"""Item vectors: cosines that order items as scores do."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.behavior import EASE
from fusion.gate_inputs import ItemSide
from fusion.gates import Gates
from fusion.item_vectors import ItemVectors, item_vectors
from fusion.ranker import Ranker
from kg.histories import Histories
from tests.workshop import Workshop
from whypath.engine import Engine
from whypath.testing.blocks.domain import histories_of


@pytest.fixture(scope="module")
def ranker(workshop: Workshop) -> Ranker:
    with Engine.open(workshop.store, workshop.bundle) as engine:
        return engine.scorer().ranker


def scores(ranker: Ranker) -> NDArray[np.float32]:
    return ranker.alike.scores(Histories.single_items(np.arange(ranker.n_items), ranker.n_items))


def best(of: NDArray[np.float32], k: int = 10) -> NDArray[np.intp]:
    of = of.copy()
    np.fill_diagonal(of, -np.inf)
    return np.argsort(-of, axis=1, kind="stable")[:, :k]


def overlap(found: ItemVectors, ranker: Ranker) -> float:
    ours, theirs = best(found.queries @ found.results.T), best(scores(ranker))
    return float(np.mean([len(np.intersect1d(a, b)) / len(a) for a, b in zip(ours, theirs, strict=True)]))


def test_enough_dimensions_give_the_items_that_are_similar(ranker: Ranker) -> None:
    found = item_vectors(ranker, ranker.n_items + 1)
    assert overlap(found, ranker) > 0.99
    assert found.results.shape == found.queries.shape == (ranker.n_items, ranker.n_items + 1)


def test_few_dimensions_give_most_of_them(ranker: Ranker) -> None:
    few, fewer = item_vectors(ranker, 32), item_vectors(ranker, 8)
    assert overlap(few, ranker) > 0.8
    assert overlap(few, ranker) > overlap(fewer, ranker)


def test_vectors_are_of_length_one_and_the_same_each_time(ranker: Ranker) -> None:
    found, again = item_vectors(ranker, 16), item_vectors(ranker, 16)
    for vectors in (found.results, found.queries):
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    # What fills the results up must say nothing.
    assert np.all(found.queries[:, -1] == 0)
    assert np.array_equal(found.results, again.results)
    assert np.array_equal(found.queries, again.queries)


def test_the_size_of_a_batch_changes_nothing(ranker: Ranker, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = item_vectors(ranker, 16)
    monkeypatch.setattr("fusion.lists.BATCH_CELLS", 7 * ranker.n_items)
    parts = item_vectors(ranker, 16)
    assert whole.queries @ whole.results.T == pytest.approx(parts.queries @ parts.results.T, abs=1e-3)


def test_an_item_without_scores_has_nothing_to_ask_with() -> None:
    histories = histories_of(np.array([[1, 1, 0, 1], [0, 1, 0, 1], [1, 0, 0, 0], [1, 1, 0, 0]]))
    side = ItemSide(np.zeros(4, np.float32), np.zeros((4, 0), np.float32), np.zeros(4, bool))
    found = item_vectors(Ranker({"ease": EASE.learn(histories)}, {"ease": 1.0}, Gates.single("ease"), side), 8)
    assert np.isnan(found.queries).all(axis=1).tolist() == [False, False, True, False]
    assert np.isfinite(found.results).all()
    assert np.linalg.norm(found.results, axis=1) == pytest.approx(1, abs=1e-5)
