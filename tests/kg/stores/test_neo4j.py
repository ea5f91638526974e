"""The Neo4j store on a real server: the contract of all stores."""

from __future__ import annotations

import pytest

from tests.kg.stores.contract import GraphStoreContract
from tests.kg.stores.neo4j_server import Server


class TestNeo4jStore(GraphStoreContract):
    kind = "neo4j"

    @pytest.fixture
    def url(self, empty_neo4j: Server) -> str:
        return empty_neo4j.uri
