"""One Neo4j server a test process, emptied for every test that asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kg.stores.neo4j_server import Server, launcher, running


@pytest.fixture(scope="session")
def neo4j_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    launcher()
    with running(tmp_path_factory.mktemp("neo4j") / "server") as server:
        yield server


@pytest.fixture
def empty_neo4j(neo4j_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server with an empty database, and the environment of its user, with a cache of the test's own."""
    neo4j_server.empty()
    for name, value in neo4j_server.settings().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NEO4J_PASSWORD", raising=False)
    monkeypatch.delenv("NEO4J_DATABASE", raising=False)
    monkeypatch.setenv("WHYPATH_CACHE", str(tmp_path / "cache"))
    return neo4j_server
