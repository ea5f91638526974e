from __future__ import annotations

import scipy.sparse as sp

from encoders.block import Catalogue
from encoders.graph import GNN, GNNSettings, SharedEntities, SharedSettings
from tests.encoders.contract import BlockContract

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
