"""A server that opens an engine and then forks its workers, while a thread of it records events."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from tests.workshop import Workshop
from whypath import Engine

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")


def test_parent_and_workers_record_and_recommend(workshop: Workshop, tmp_path: Path) -> None:
    shutil.copytree(workshop.store, tmp_path / "store")
    with Engine.open(tmp_path / "store", workshop.bundle) as engine:
        items = engine.graph.item_ids.to_list()
        stop = threading.Event()
        recorded: list[str] = []

        def record() -> None:
            while not stop.is_set():
                name = f"parent-{len(recorded)}"
                engine.record(engine.event("new", items[len(recorded) % len(items)], weight=5, id=name))
                assert len(engine.recommend("new", k=3)) == 3
                recorded.append(name)

        def work(number: int) -> bool:
            user = f"worker-{number}"
            engine.record(engine.event(user, items[number], weight=5, id=user))
            found = engine.recommend(user, k=5)
            return found.history == 1 and len(found) == 5 and len(engine.explain(user, found[0].item).blocks) > 1

        thread = threading.Thread(target=record)
        thread.start()
        workers = []
        try:
            for number in range(6):
                process = os.fork()
                if not process:
                    code = 1
                    try:
                        code = 0 if work(number) else 2
                        time.sleep(1)  # alive and idle, as workers are between requests
                    finally:
                        os._exit(code)
                workers.append(process)
                before, until = len(recorded), time.monotonic() + 30
                while len(recorded) < before + 3:
                    assert time.monotonic() < until, "after a fork nothing can be recorded any more"
                    time.sleep(0.005)
        finally:
            stop.set()
            thread.join()
        codes = [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in workers]
        assert codes == [0] * 6
        ids = {event for table in engine.graph.events for event in table.ids}
        assert set(recorded) | {f"worker-{number}" for number in range(6)} <= ids
