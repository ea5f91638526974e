from __future__ import annotations

import numpy as np
import pytest

from encoders.behavior import EASE, EASESettings
from encoders.block import TrainingData
from encoders.graph import GNN, FactEASE, FactEASESettings, GNNSettings, SharedEntities, SharedSettings, fact_ease
from whypath.testing import BlockContract
from whypath.testing.blocks.domain import N_ITEMS, N_PEOPLE, training

SMALL = GNNSettings(dimensions=8, steps=12)


class TestGNNContract(BlockContract):
    block_type = GNN

    @classmethod
    def fit(cls, data: TrainingData) -> GNN:
        return GNN.fit(data, SMALL, seed=3)


class TestSharedEntitiesContract(BlockContract):
    block_type = SharedEntities

    @classmethod
    def fit(cls, data: TrainingData) -> SharedEntities:
        return SharedEntities.fit(data, SharedSettings(steps=20), seed=3)


class TestFactEASEContract(BlockContract):
    block_type = FactEASE

    @classmethod
    def fit(cls, data: TrainingData) -> FactEASE:
        return FactEASE.fit(data)


class TestLocalFactEASEContract(TestFactEASEContract):
    @classmethod
    def fit(cls, data: TrainingData) -> FactEASE:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(fact_ease, "MAX_ITEMS", 3)
            return super().fit(data)


def test_facts_count_among_neighbours_as_in_the_inverse(monkeypatch: pytest.MonkeyPatch) -> None:
    data = training()
    chosen = FactEASESettings(regularization=50.0, facts=3.0)
    exact = FactEASE.fit(data, chosen).scores(data.histories)
    monkeypatch.setattr(fact_ease, "MAX_ITEMS", 3)
    local = FactEASE.fit(data, chosen).scores(data.histories)
    without = FactEASE.fit(data, chosen.model_copy(update={"facts": 0.0})).scores(data.histories)
    error = np.square(local - exact).mean()
    assert error < np.square(exact).mean() / 50
    assert error < np.square(without - exact).mean() / 5


def test_without_weight_the_facts_leave_plain_ease() -> None:
    data = training()
    plain = EASE.fit(data, EASESettings(regularization=50.0))
    none = FactEASE.fit(data, FactEASESettings(regularization=50.0, facts=0.0))
    np.testing.assert_allclose(none.scores(data.histories), plain.scores(data.histories), atol=1e-6)


def test_facts_are_further_rows_of_the_history_matrix() -> None:
    """Each director is like a user who likes the director's films, weighed by facts and degree."""
    data = training()
    matrix = data.matrix
    weight = 3.0
    block = FactEASE.fit(data, FactEASESettings(regularization=50.0, facts=weight))
    films = np.arange(N_ITEMS)
    known = matrix.toarray().any(axis=0)
    people = np.array([(films % N_PEOPLE == person) / (N_ITEMS / N_PEOPLE) ** 0.25 for person in range(N_PEOPLE)])
    rows = np.vstack([matrix.toarray(), np.sqrt(weight) * people])[:, known].astype(np.float64)
    inverse = np.linalg.inv(rows.T @ rows + 50.0 * np.eye(rows.shape[1]))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(block.scores(data.histories)[:, known], matrix.toarray()[:, known] @ expected, atol=1e-5)
