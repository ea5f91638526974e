from __future__ import annotations

import numpy as np
import pytest

from encoders.behavior import CatalogueTooLarge, Transitions, TransitionsSettings, ease
from encoders.block import Catalogue, TrainingData
from kg.histories import Histories
from whypath.testing import BlockContract
from whypath.testing.blocks.domain import N_ITEMS, catalogue


class TestTransitionsContract(BlockContract):
    block_type = Transitions

    @classmethod
    def fit(cls, data: TrainingData) -> Transitions:
        return Transitions.fit(data, TransitionsSettings(regularization=5.0))


def sequences(rows: list[list[int]], n_items: int = N_ITEMS) -> Histories:
    offsets = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    return Histories(offsets, np.array([item for row in rows for item in row], dtype=np.int32), n_items)


def over(n_items: int = N_ITEMS) -> Catalogue:
    return catalogue(range(n_items))


def learned(histories: Histories, **settings: float) -> np.ndarray:
    chosen = TransitionsSettings.model_validate(settings)
    return Transitions.fit(TrainingData(histories, over()), chosen).state().tensors["weights"]


def reference(rows: list[list[int]], window: int, decay: float, regularization: float) -> np.ndarray:
    """The ridge regression, one event after another."""
    gram, cross = np.zeros((N_ITEMS, N_ITEMS)), np.zeros((N_ITEMS, N_ITEMS))
    for row in rows:
        for place, item in enumerate(row):
            past = np.zeros(N_ITEMS)
            for distance in range(1, min(window, place) + 1):
                past[row[place - distance]] += np.exp(-(distance - 1) / decay)
            gram += np.outer(past, past)
            cross[:, item] += past
    weights = np.linalg.solve(gram + regularization * np.eye(N_ITEMS), cross)
    np.fill_diagonal(weights, 0)
    return weights


@pytest.mark.parametrize("chunk", [3, 200_000])
def test_weights_are_those_of_the_regression(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("encoders.behavior.transitions._CHUNK", chunk)
    rng = np.random.default_rng(2)
    rows = [rng.integers(0, N_ITEMS, rng.integers(0, 9)).tolist() for _ in range(60)]
    found = learned(sequences(rows), window=4, decay=2.0, regularization=3.0)
    seen = sorted({item for row in rows for item in row})
    expected = reference(rows, 4, 2.0, 3.0)
    np.testing.assert_allclose(found[np.ix_(seen, seen)], expected[np.ix_(seen, seen)], atol=1e-5)


def test_what_follows_is_not_what_went_before() -> None:
    found = learned(sequences([[1, 2, 3]] * 30), window=1)
    assert found[1, 2] > 0 == found[2, 1]
    assert found[2, 3] > 0 == found[1, 3]


def test_pairs_of_too_few_users_are_not_in_the_model() -> None:
    found = learned(sequences([[1, 2], [1, 2], [1, 3]]), min_users=2)
    assert found[1, 2] > 0
    assert not found[:, 3].any()


def test_large_catalogues_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ease, "MAX_ITEMS", 2)
    with pytest.raises(CatalogueTooLarge):
        learned(sequences([[1, 2, 3]]))


def test_without_events_nothing_is_learned() -> None:
    assert not learned(sequences([[], []])).any()
