"""A queue whose files cannot be used stops neither recommending nor recording."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.workshop import Workshop
from whypath.engine import Engine


def test_serving_and_recording_go_on(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(workshop.store, tmp_path / "store")
    with Engine.open(tmp_path / "store", queue=True) as engine:
        graph = engine.graph
        waiting = engine.event("newcomer", graph.item_ids[0], time=1.0)
        engine.queue.put([waiting], graph.schema, 0)
        path = engine.queue._folder / "events.sqlite"
    monkeypatch.setattr("kg.stores.sqlite.database.BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        # Nobody else can read it, let alone write it.
        holder.execute("BEGIN EXCLUSIVE")
        with caplog.at_level(logging.ERROR), Engine.open(tmp_path / "store", workshop.bundle, queue=True) as engine:
            assert len(engine.recommend("newcomer", k=3)) == 3
            report = engine.record(engine.event("newcomer", graph.item_ids[1], time=2.0))
            assert (report.written, report.queued) == (1, 0)
            assert sum(map(len, engine.graph.events_of("newcomer"))) == 1
        assert "cannot be delivered" in caplog.text
        holder.execute("ROLLBACK")
    with Engine.open(tmp_path / "store", queue=True) as engine:
        engine.deliver()
        assert engine.queue.count() == 0
        assert waiting in engine.store.events_since(0)[0]


def test_what_was_damaged_is_delivered_as_far_as_it_can_be_read(
    workshop: Workshop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(workshop.store, tmp_path / "store")
    with Engine.open(tmp_path / "store") as engine:
        graph = engine.graph
        waiting = [engine.event("newcomer", item, time=1.0, weight=5) for item in graph.item_ids[:5]]
        engine.queue.put(waiting, graph.schema, 0)
        path = engine.queue._folder / "events.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP INDEX event_by_user")
    with caplog.at_level(logging.ERROR), Engine.open(tmp_path / "store", workshop.bundle, queue=True) as engine:
        assert engine.recommend("newcomer").history == 5
        engine.deliver()
        assert engine.store.events_since(0)[0][-5:] == waiting
    assert str(path) in caplog.text
