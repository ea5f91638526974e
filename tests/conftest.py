"""What many tests share: a small synthetic domain in a store, its split as files, and a bundle trained on them; and a
Neo4j server, one a test process, emptied for every test that asks for it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.neo4j_server import Server, deprecations, launcher, running
from tests.workshop import Workshop

# Of a spoilt file its warnings hold half characters, which the report of a test of a parallel run cannot hold.
logging.getLogger("rdflib").setLevel(logging.CRITICAL)

pytest_plugins = ["tests.skips"]

# A test of a busy machine must not fail for its time.
settings.register_profile("whypath", deadline=None)
settings.load_profile("whypath")

# One thread a process, before torch is imported: the suite runs one process a core.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True, scope="session")
def own_data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Events that wait for a server in a test are none of the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WHYPATH_DATA", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Read only: a test that writes to the store takes a copy."""
    from fusion.splits import split_random
    from kg.datasets.synthetic import SyntheticSettings, write
    from kg.ingest import load_domain
    from kg.opening import open_store
    from whypath.engine import Engine
    from whypath.io.split_files import write_split

    made = Workshop(tmp_path_factory.mktemp("workshop"))
    settings = SyntheticSettings(users=120, items=80, entities=30, events_per_user=20, seed=3)
    write(made.folder / "domain", settings, format="tsv")
    store = open_store(made.store, create=True)
    load_domain(made.domain, store)
    graph = store.snapshot()
    write_split(split_random(graph.interactions(), seed=1), graph, made.folder)
    with Engine.open(store) as engine:
        engine.train(made.train, made.valid, seed=1, text=False)
        engine.save(made.bundle)
    return made


@pytest.fixture(scope="session")
def neo4j_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    launcher()
    with running(tmp_path_factory.mktemp("neo4j") / "server") as server:
        yield server


@pytest.fixture
def empty_neo4j(neo4j_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The server with an empty database, and the environment of its user, with a cache of the test's own. The test
    fails if a query of this process uses what the server calls deprecated.
    """
    neo4j_server.empty()
    for name, value in neo4j_server.settings().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NEO4J_PASSWORD", raising=False)
    monkeypatch.delenv("NEO4J_DATABASE", raising=False)
    monkeypatch.setenv("WHYPATH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("WHYPATH_DATA", str(tmp_path / "data"))
    with deprecations() as noted:
        yield neo4j_server
    assert noted == []
