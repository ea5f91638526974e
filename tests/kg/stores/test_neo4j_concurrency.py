"""Many processes that write to one item of a Neo4j store at the same time: nothing lost, nothing doubled."""

from __future__ import annotations

import multiprocessing
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from kg.opening import open_store
from tests.kg.stores import neo4j_victims
from tests.neo4j_server import Server
from whypath.testing.stores.base import expected, load, same
from whypath.testing.stores.domain import EDGES, EVENTS, NODES

LOADERS = ["loader 1", "loader 2"]
WRITERS = [f"writer {number}" for number in range(8)]


@pytest.mark.skipif(sys.platform == "win32", reason="forks processes")
def test_two_loaders_and_eight_writers_on_one_item(empty_neo4j: Server, tmp_path: Path) -> None:
    store = open_store("neo4j", create=True)
    load(store)
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.kg.stores.neo4j_victims"])
    settings = {**empty_neo4j.settings(), "WHYPATH_CACHE": str(tmp_path / "cache")}
    lines, running = [], []
    for names, job in ((LOADERS, neo4j_victims.load_on_hub), (WRITERS, neo4j_victims.append_to_hub)):
        for name in names:
            receiving, sending = processes.Pipe(duplex=False)
            running.append(processes.Process(target=job, args=(settings, name, sending)))
            running[-1].start()
            sending.close()
            lines.append(receiving)
    told: list[tuple[int, int]] = []
    for line in lines:
        with suppress(EOFError):
            while True:
                told.append(line.recv())
    for process in running:
        process.join()
        assert process.exitcode == 0
    # Each event was acknowledged as new exactly once, and as there already the second time.
    events = [event for name in (*LOADERS, *WRITERS) for event in neo4j_victims.hub_events(name)]
    assert sum(new for new, _ in told) == len(events)
    assert sum(again for _, again in told) == 20 * len(WRITERS)
    assert same(store.snapshot(), expected(NODES, EDGES, [*EVENTS, *events]))
    # Recorded events come back once, each writer's in its order; loaded ones are in the generation.
    since, _ = store.events_since(0)
    assert len(since) == 20 * len(WRITERS)
    for name in WRITERS:
        assert [event for event in since if event.user == name] == neo4j_victims.hub_events(name)
    counted = "MATCH (:Viewer)-[r:VIEW]->(:Film {key: '1'}) RETURN count(r), count(DISTINCT r.id)"
    ours = [event for event in EVENTS if (event.kind, event.item, event.item_kind) == ("view", "1", "film")]
    assert empty_neo4j.query(counted) == [[len(events) + len(ours)] * 2]
    store.close()
