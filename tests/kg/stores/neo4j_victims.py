"""The processes that the tests interrupt, on a store in Neo4j: those of `victims`, with the environment of its user."""

from __future__ import annotations

import os
from collections.abc import Mapping
from multiprocessing.connection import Connection

from tests.kg.stores import victims


def load(settings: Mapping[str, str], version: int, replace: bool, acknowledged: Connection) -> None:
    """Load a version of the domain in small batches."""
    os.environ.update(settings)
    victims.load("neo4j", version, replace, acknowledged)


def append(settings: Mapping[str, str], round: int, acknowledged: Connection) -> None:
    """Append events and delete users."""
    os.environ.update(settings)
    victims.append("neo4j", round, acknowledged)
