"""The embedded store under `kill -9`: 50 processes die at random moments of loading, appending and deleting.

Nothing acknowledged may be lost and nothing doubled; an interrupted load that is run again ends as if it never had
been.
"""

from __future__ import annotations

import multiprocessing
import random
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from kg.graph import KnowledgeGraph
from kg.opening import open_store
from tests.kg.stores import victims
from whypath.testing.stores.base import dangling, same

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")

SEED = 20
LOAD_KILLS = 26
APPEND_KILLS = 24
DELAY = 0.02
"""Seconds: about as long as a few transactions."""


@pytest.fixture(scope="module")
def spawner() -> Any:
    """Processes forked off a server that has imported everything once, and never had a store open."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.kg.stores.victims"])
    return context


def killed_after(spawner: Any, messages: int, delay: float, target: Callable[..., None], *args: object) -> list[Any]:
    """Run a victim, kill it some milliseconds after so many messages of it, and give back all that it sent.

    Counting messages and not seconds puts the moments where the work is, on slow machines and fast ones.
    """
    receiving, sending = spawner.Pipe(duplex=False)
    process = spawner.Process(target=target, args=(*args, sending))
    process.start()
    sending.close()
    sent: list[Any] = []
    while len(sent) < messages and _received(receiving, sent):
        pass
    time.sleep(delay)
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


def check_file(directory: Path) -> None:
    connection = sqlite3.connect(directory / "store.sqlite")
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    connection.close()


def loaded(directory: Path, *loads: tuple[int, bool]) -> KnowledgeGraph:
    """The snapshot after uninterrupted loads."""
    for version, replace in loads:
        victims.load(str(directory), version, replace)
    store = open_store(directory)
    graph = store.snapshot()
    store.close()
    return graph


def test_killed_loads_run_again_end_as_if_uninterrupted(spawner: Any, tmp_path: Path) -> None:
    before = loaded(tmp_path / "before", (1, False))
    goals = {replace: loaded(tmp_path / f"goal-{replace}", (1, False), (2, replace)) for replace in (False, True)}
    first = loaded(tmp_path / "first", (2, False))
    moments = random.Random(SEED)
    interrupted = 0
    for round in range(LOAD_KILLS):
        directory = tmp_path / f"round-{round}"
        replace, fresh = round % 2 == 0, round % 5 == 4
        if not fresh:
            shutil.copytree(tmp_path / "before", directory)
        batches = moments.randrange(victims.BATCHES + 1)
        killed_after(spawner, batches, moments.uniform(0, DELAY), victims.load, str(directory), 2, replace)
        check_file(directory)
        goal = first if fresh else goals[replace]
        store = open_store(directory)
        state = store.state()
        interrupted += state.loading is not None
        assert state.generation in ((0, 1) if fresh else (1, 2))
        if state.generation:
            # Served is the generation before or the finished one, never anything between.
            assert same(store.snapshot(), before if (state.generation == 1 and not fresh) else goal)
        store.close()
        again = loaded(directory, (2, replace))
        assert same(again, goal)
        assert again.generation == goal.generation
        check_file(directory)
        shutil.rmtree(directory)
    assert interrupted > LOAD_KILLS // 4


def test_what_was_acknowledged_before_a_kill_is_there_once(spawner: Any, tmp_path: Path) -> None:
    loaded(tmp_path / "store", (1, False))
    moments = random.Random(SEED)
    kept: dict[str, str] = {}
    """Acknowledged event ids of users not deleted since, with their users."""
    appended = deleted = 0
    for round in range(APPEND_KILLS):
        count, delay = moments.randrange(30), moments.uniform(0, DELAY)
        messages = killed_after(spawner, count, delay, victims.append, str(tmp_path / "store"), round)
        deleting: str | None = None
        for message in messages:
            if message[0] == "appended":
                user = f"r{round}-{int(message[1][0].split('-')[1]) % 4}"
                kept.update(dict.fromkeys(message[1], user))
                appended += len(message[1])
            elif message[0] == "deleting":
                deleting = message[1]
            else:
                assert message[2] == 0
                kept = {event: user for event, user in kept.items() if user != message[1]}
                deleting = None
                deleted += 1
        check_file(tmp_path / "store")
        store = open_store(tmp_path / "store")
        graph = store.snapshot()
        (views,) = (table for table in graph.events if table.kind == "view")
        there = list(views.ids)
        assert len(set(there)) == len(there)
        users = graph.nodes("viewer").keys
        missing = {event: user for event, user in kept.items() if event not in set(there)}
        # A deletion that had begun may be done or not, but wholly.
        assert set(missing.values()) <= {deleting}
        if missing:
            assert users.find(str(deleting)) < 0
            kept = {event: user for event, user in kept.items() if event not in missing}
        # Beyond what was acknowledged there is at most the one batch in flight, whole.
        extra = set(there) - kept.keys()
        assert len({event.rsplit("-", 1)[0] for event in extra}) <= 1
        assert len(extra) in (0, *(1 + int(event.split("-")[1]) % 5 for event in extra))
        kept.update({event: f"r{round}-{int(event.split('-')[1]) % 4}" for event in extra})
        assert len(store.snapshot().events[1]) == len(there)
        assert dangling(store) == 0
        store.close()
    assert appended > APPEND_KILLS
    assert deleted > 0
