"""The Neo4j store under `kill -9`, of the client and of the server, at random moments of loading and appending.

Nothing acknowledged may be lost and nothing doubled; an interrupted load that is run again ends as if it never had
been.
"""

from __future__ import annotations

import multiprocessing
import random
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from kg.graph import KnowledgeGraph
from kg.stores import open_store
from tests.kg.stores import neo4j_victims, victims
from tests.kg.stores.contract import same
from tests.neo4j_server import Server

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")

SEED = 4


@pytest.fixture
def settings(empty_neo4j: Server, tmp_path: Path) -> dict[str, str]:
    return {**empty_neo4j.settings(), "WHYPATH_CACHE": str(tmp_path / "cache")}


@pytest.fixture(scope="module")
def spawner() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.kg.stores.neo4j_victims"])
    return context


def struck_after(
    spawner: Any, messages: int, strike: Callable[[], None], target: Callable[..., None], *args: object
) -> list[Any]:
    """Run a victim; after so many messages of it strike at its server and kill it; give back all that it sent."""
    receiving, sending = spawner.Pipe(duplex=False)
    process = spawner.Process(target=target, args=(*args, sending))
    process.start()
    sending.close()
    sent: list[Any] = []
    while len(sent) < messages and _received(receiving, sent):
        pass
    strike()
    process.kill()
    process.join()
    while _received(receiving, sent):
        pass
    return sent


def _received(receiving: Connection, messages: list[Any]) -> bool:
    try:
        messages.append(receiving.recv())
    except (EOFError, OSError):
        return False
    return True


def nothing() -> None:
    """Only the client dies."""


def loaded(store: str, *loads: tuple[int, bool]) -> KnowledgeGraph:
    """The snapshot after uninterrupted loads."""
    for version, replace in loads:
        victims.load(store, version, replace)
    opened = open_store(store)
    graph = opened.snapshot()
    opened.close()
    return graph


@pytest.mark.parametrize("replace", [False, True])
def test_a_killed_load_runs_again_and_ends_as_if_uninterrupted(
    spawner: Any, empty_neo4j: Server, settings: dict[str, str], tmp_path: Path, replace: bool
) -> None:
    before = loaded("neo4j", (1, False))
    # What an uninterrupted load gives does not depend on the store, and a folder is quicker.
    goal = loaded(str(tmp_path / "goal"), (1, False), (2, replace))
    moments = random.Random(f"{SEED} {replace}")
    for strike in (nothing, empty_neo4j.kill, nothing):
        batches = moments.randrange(1, victims.BATCHES)
        struck_after(spawner, batches, strike, neo4j_victims.load, settings, 2, replace)
        if strike is not nothing:
            empty_neo4j.restart()
        store = open_store("neo4j")
        state = store.state()
        assert state.generation == 1
        assert state.loading is not None
        assert not state.loading.alive
        # Served is the generation before, never anything between.
        assert same(store.snapshot(), before)
        store.close()
    again = loaded("neo4j", (2, replace))
    assert same(again, goal)
    assert again.generation == goal.generation == 2


def test_what_was_acknowledged_is_there_once(spawner: Any, empty_neo4j: Server, settings: dict[str, str]) -> None:
    victims.load("neo4j", 1, False)
    moments = random.Random(SEED)
    kept: dict[str, str] = {}
    """Acknowledged event ids of users not deleted since, with their users."""
    for round, strike in enumerate((nothing, empty_neo4j.kill, nothing, empty_neo4j.kill)):
        messages = struck_after(spawner, moments.randrange(5, 30), strike, neo4j_victims.append, settings, round)
        if strike is not nothing:
            empty_neo4j.restart()
        deleting: str | None = None
        for message in messages:
            if message[0] == "appended":
                kept.update(dict.fromkeys(message[1], f"r{round}-{int(message[1][0].split('-')[1]) % 4}"))
            elif message[0] == "deleting":
                deleting = message[1]
            else:
                assert message[2] == 0
                kept = {event: user for event, user in kept.items() if user != message[1]}
                deleting = None
        store = open_store("neo4j")
        (views,) = (table for table in store.snapshot().events if table.kind == "view")
        there = list(views.ids)
        assert len(set(there)) == len(there)
        missing = {event: user for event, user in kept.items() if event not in set(there)}
        # A deletion that had begun may be done or not, but wholly.
        assert set(missing.values()) <= {deleting}
        kept = {event: user for event, user in kept.items() if event not in missing}
        # Beyond what was acknowledged there is at most the one batch in flight, whole.
        extra = set(there) - kept.keys()
        assert len(extra) in (0, *(1 + int(event.split("-")[1]) % 5 for event in extra))
        kept.update({event: f"r{round}-{int(event.split('-')[1]) % 4}" for event in extra})
        counts = store.counts()
        assert counts.events["view"] == len(there)
        assert counts.dangling == 0
        store.close()
    assert len(kept) > 20
