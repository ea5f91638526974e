"""Notebooks as tests. One that has `neo4j` in its name gets a server with an empty database; without a launcher it is
skipped, or fails where WHYPATH_REQUIRE names neo4j.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.neo4j_server import launcher, running

_ended_after_the_test = ExitStack()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if "neo4j" in item.path.name:
        launcher()
        folder = _ended_after_the_test.enter_context(tempfile.TemporaryDirectory())
        server = _ended_after_the_test.enter_context(running(Path(folder) / "server"))
        os.environ.update(server.settings())


def pytest_runtest_teardown() -> None:
    _ended_after_the_test.close()
