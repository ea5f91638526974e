"""The job of writing vectors and recommendations into a Neo4j store, in small transactions, for tests to interrupt."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection

import numpy as np

import kg.stores.neo4j.results
from kg.opening import open_store
from kg.stores import KindVectors, TakesResults, UserList
from tests.kg.stores import victims

ITEMS = [row.key for row in victims.nodes(1) if row.kind == "film"]
USERS = sorted({event.user for event in victims.events(1)})
LENGTH = 5
"""Of a user's list."""

VECTORS_AT_ONCE, ROWS_AT_ONCE = 40, 60
MESSAGES = -(-len(ITEMS) // VECTORS_AT_ONCE) + len(USERS) * LENGTH // ROWS_AT_ONCE
"""Of a whole export, one a transaction that writes rows."""


def vectors(version: int) -> KindVectors:
    """What a version of a model says of each item: its number in the first place."""
    values = np.zeros((len(ITEMS), 3), np.float32)
    values[:, 0], values[:, 1] = version, np.arange(len(ITEMS)) + 1
    return KindVectors("film", ITEMS, values, values)


def lists(version: int) -> list[UserList]:
    """The lists of a version, of all users; no item is in the lists that two versions give one user."""
    return [
        UserList(
            user,
            [("film", ITEMS[(7 * number + LENGTH * version + rank) % len(ITEMS)]) for rank in range(LENGTH)],
            [float(version) / (1 + rank) for rank in range(LENGTH)],
        )
        for number, user in enumerate(USERS)
    ]


def write(version: int, progress: Callable[[int], None] = lambda _: None) -> None:
    """Export a version into the store of the environment."""
    store = open_store("neo4j")
    assert isinstance(store, TakesResults)
    store.write_vectors([vectors(version)], progress=progress)
    store.write_recommendations(lists(version), bundle=str(version), time=float(version), progress=progress)
    store.close()


def export(settings: Mapping[str, str], version: int, told: Connection) -> None:
    """Export a version in small transactions, with a message after each."""
    os.environ.update(settings)
    kg.stores.neo4j.results._VECTORS_AT_ONCE = VECTORS_AT_ONCE
    kg.stores.neo4j.results._ROWS_AT_ONCE = ROWS_AT_ONCE
    write(version, told.send)
