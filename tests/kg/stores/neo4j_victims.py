"""What tests run in processes of their own on a store in Neo4j, with the environment of its user: the jobs of `victims`
that are interrupted, and many writers on one item.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection

from kg.opening import open_store
from kg.rows import Event
from kg.stores import StoreLocked
from tests.kg.stores import victims
from whypath.testing.stores.domain import films_schema


def load(settings: Mapping[str, str], version: int, replace: bool, acknowledged: Connection) -> None:
    """Load a version of the domain in small batches."""
    os.environ.update(settings)
    victims.load("neo4j", version, replace, acknowledged)


def append(settings: Mapping[str, str], round: int, acknowledged: Connection) -> None:
    """Append events and delete users."""
    os.environ.update(settings)
    victims.append("neo4j", round, acknowledged)


def hub_events(writer: str) -> list[Event]:
    """What one writer writes: all of it on one item."""
    return [Event.of(writer, "1", "film", "view", time=float(number), id=f"{writer}-{number}") for number in range(20)]


def append_to_hub(settings: Mapping[str, str], writer: str, told: Connection) -> None:
    """Append one event after another, each of them twice."""
    os.environ.update(settings)
    store = open_store("neo4j")
    for event in hub_events(writer):
        told.send((store.append_events([event]).written, store.append_events([event]).already_there))
    store.close()


def load_on_hub(settings: Mapping[str, str], writer: str, told: Connection) -> None:
    """Load in small batches, as soon as nobody else loads."""
    os.environ.update(settings)
    store = open_store("neo4j")
    while True:
        try:
            writing = store.begin_load(films_schema(), replace=False, source_digest=writer)
        except StoreLocked:
            time.sleep(0.05)
            continue
        with writing:
            events = hub_events(writer)
            for start in range(0, len(events), 5):
                told.send((writing.write_events(events[start : start + 5]).new, 0))
            writing.finish()
        break
    store.close()
