from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from encoders.behavior import EASE, EASESettings
from encoders.block import Catalogue
from encoders.graph import GNN, FactEASE, FactEASESettings, GNNSettings, SharedEntities, SharedSettings
from tests.encoders.contract import BlockContract
from tests.encoders.domain import N_ITEMS, N_PEOPLE, catalogue, histories

SMALL = GNNSettings(dimensions=8, steps=12)


class TestGNNContract(BlockContract):
    block_type = GNN

    @classmethod
    def fit(cls, matrix: sp.csr_array, over: Catalogue) -> GNN:
        return GNN.fit(matrix, over, SMALL, seed=3)


class TestSharedEntitiesContract(BlockContract):
    block_type = SharedEntities

    @classmethod
    def fit(cls, matrix: sp.csr_array, over: Catalogue) -> SharedEntities:
        return SharedEntities.fit(matrix, over, SharedSettings(steps=20), seed=3)


class TestFactEASEContract(BlockContract):
    block_type = FactEASE

    @classmethod
    def fit(cls, matrix: sp.csr_array, over: Catalogue) -> FactEASE:
        return FactEASE.fit_over(matrix, over.graph)


def test_without_weight_the_facts_leave_plain_ease() -> None:
    matrix, over = histories(), catalogue(range(N_ITEMS))
    plain = EASE.fit(matrix, EASESettings(regularization=50.0))
    none = FactEASE.fit_over(matrix, over.graph, FactEASESettings(regularization=50.0, facts=0.0))
    np.testing.assert_allclose(none.scores(matrix), plain.scores(matrix), atol=1e-6)


def test_facts_are_further_rows_of_the_history_matrix() -> None:
    """Each director is like a user who likes the director's films, weighed by facts and degree."""
    matrix, over = histories(), catalogue(range(N_ITEMS))
    weight = 3.0
    block = FactEASE.fit_over(matrix, over.graph, FactEASESettings(regularization=50.0, facts=weight))
    films = np.arange(N_ITEMS)
    known = matrix.toarray().any(axis=0)
    people = np.array([(films % N_PEOPLE == person) / (N_ITEMS / N_PEOPLE) ** 0.25 for person in range(N_PEOPLE)])
    rows = np.vstack([matrix.toarray(), np.sqrt(weight) * people])[:, known].astype(np.float64)
    inverse = np.linalg.inv(rows.T @ rows + 50.0 * np.eye(rows.shape[1]))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(block.scores(matrix)[:, known], matrix.toarray()[:, known] @ expected, atol=1e-5)
