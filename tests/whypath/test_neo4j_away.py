"""A running engine, and a new process, while the Neo4j server is away: answers go on, and say that they are stale."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from kg.ingest import load_domain
from kg.opening import open_store
from kg.stores import StoreState, StoreUnavailable
from tests.neo4j_server import Server
from tests.workshop import Workshop
from whypath import Engine
from whypath.answering.results import Basis
from whypath.cli import main


@pytest.fixture
def engine(workshop: Workshop, empty_neo4j: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine over the workshop's domain in Neo4j; it asks at every call, and when the server is away if told to."""
    monkeypatch.setattr("whypath.live.following.ASK_AGAIN_SECONDS", 1e6)
    monkeypatch.setattr("kg.stores.neo4j.connection.RETRY_SECONDS", 1.0)
    store = open_store("neo4j", create=True)
    load_domain(workshop.domain, store)
    store.close()
    with Engine.open("neo4j", workshop.bundle, freshness=0) as engine:
        yield engine


def asked(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Grows by one with each question to the store."""
    calls: list[None] = []
    state = engine.store.state

    def counting() -> StoreState:
        calls.append(None)
        return state()

    monkeypatch.setattr(engine.store, "state", counting)
    return calls


@contextmanager
def away(server: Server) -> Iterator[None]:
    server.kill()
    try:
        yield
    finally:
        server.restart()


def recommended(*arguments: str | Path) -> int:
    return main(["recommend", *map(str, arguments), "--user", "u1", "-k", "3", "--json"])


def test_serving_outlasts_the_server(
    engine: Engine,
    workshop: Workshop,
    empty_neo4j: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    user = engine.graph.interactions().user_ids[0]
    before = engine.recommend(user, k=5)
    explained = engine.explain(user, before[0].item)
    assert before.stale_since is None
    assert engine.stale is None
    questions = asked(engine, monkeypatch)
    with away(empty_neo4j):
        after = [engine.recommend(user, k=5) for _ in range(5)]
        assert all(found.items == before.items for found in after)
        since = after[0].stale_since
        assert since is not None
        assert datetime.fromisoformat(since).tzinfo is not None
        assert engine.stale == since
        for found in (
            *after,
            engine.explain(user, before[0].item),
            engine.similar(before[0].item),
            engine.recommend_for([before[0].item]),
            engine.explain_for([before[0].item], before[1].item),
        ):
            assert found.stale_since == since
            assert f"from the last snapshot, of {since}" in str(found)
            assert found.to_json()["stale_since"] == since
        # One call has found out, the others did not wait; it is said once.
        assert len(questions) == 1
        assert engine.refresh() is False
        assert len(questions) == 2
        (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("whypath")]
        assert "stale from now on" in line
        assert "is the server running" in line
        with pytest.raises(StoreUnavailable):
            engine.record(engine.event("newcomer", before[0].item, weight=5))

        # A new process serves what this machine has kept, and does not train on it.
        shop = ("--store", empty_neo4j.uri, "--bundle", workshop.bundle)
        capsys.readouterr()
        assert recommended(*shop) == 0
        assert datetime.fromisoformat(json.loads(capsys.readouterr().out)["stale_since"])
        assert recommended(*shop, "--out", tmp_path / "lists.tsv") == 0
        assert json.loads(capsys.readouterr().out)["stale_since"]
        assert main(["train", "--store", empty_neo4j.uri, "--bundle", str(tmp_path / "bundle")]) == 2
        assert "is the server running" in capsys.readouterr().err
        opened = Engine.open("neo4j", workshop.bundle, freshness=0)
        assert opened.recommend(user, k=5).items == before.items
        assert opened.stale is not None
        monkeypatch.setenv("WHYPATH_CACHE", str(tmp_path / "elsewhere"))
        assert recommended(*shop) == 2
        assert "is the server running" in capsys.readouterr().err
    monkeypatch.setattr("whypath.live.following.ASK_AGAIN_SECONDS", 0.0)
    other = open_store("neo4j")
    other.append_events([engine.event("newcomer", before[0].item, weight=5)])
    other.close()
    for running in (engine, opened):
        running.refresh()
        found = running.recommend("newcomer")
        assert (found.stale_since, running.stale) == (None, None)
        assert found.basis is Basis.HISTORY
        found = running.recommend(user, k=5)
        assert (found.items, found.stale_since) == (before.items, None)
    assert "answers again" in caplog.text
    assert engine.explain(user, before[0].item) == explained
    opened.close()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="stops a process by a signal")
def test_serving_outlasts_a_server_that_takes_connections_and_says_nothing(
    engine: Engine, empty_neo4j: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = engine.graph.interactions().user_ids[0]
    before = engine.recommend(user, k=5)
    monkeypatch.setattr("whypath.live.following.PATIENCE_SECONDS", 0.3)
    questions = asked(engine, monkeypatch)
    process = empty_neo4j.process
    os.kill(process, signal.SIGSTOP)
    try:
        for _ in range(5):
            found = engine.recommend(user, k=5)
            assert found.items == before.items
            assert found.stale_since is not None
        assert engine.refresh() is False
        # Nobody is asked anew as long as the first question is open.
        assert len(questions) == 1
    finally:
        os.kill(process, signal.SIGCONT)
    monkeypatch.setattr("whypath.live.following.PATIENCE_SECONDS", 60.0)
    engine.refresh()
    assert engine.recommend(user, k=5) == before


def test_a_watched_server_is_not_asked_by_calls(
    engine: Engine, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [found.item for found in engine.recommend("newcomer", k=4)]
    with Engine.open("neo4j", workshop.bundle, freshness=1e6) as watching:
        assert watching.recommend("newcomer").history == 0
        questions = asked(watching, monkeypatch)
        engine.record(engine.event("newcomer", items[0], weight=5))
        assert engine.recommend("newcomer").history == 1
        assert watching.recommend("newcomer").history == 0
        assert questions == []
        # What it has written itself is in its next answer, and with it what others have.
        watching.record(watching.event("newcomer", items[1], weight=5))
        assert watching.recommend("newcomer").history == 2
        engine.record(engine.event("newcomer", items[2], weight=5))
        assert watching.recommend("newcomer").history == 2
        assert watching.refresh() is True
        assert watching.recommend("newcomer").history == 3
        watching.forget("newcomer")
        assert watching.recommend("newcomer").history == 0
    with Engine.open("neo4j", workshop.bundle, freshness=0.02) as watching:
        assert watching.recommend("other").history == 0
        engine.record(engine.event("other", items[0], weight=5))
        until = time.monotonic() + 60
        while watching.recommend("other").history == 0:
            assert time.monotonic() < until
            time.sleep(0.001)


def test_a_watched_server_was_last_seen_by_the_watch(
    engine: Engine, workshop: Workshop, empty_neo4j: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Engine.open("neo4j", workshop.bundle, freshness=0.5) as watching:
        watching.recommend("newcomer")
        questions = asked(watching, monkeypatch)
        opened = time.time()
        while time.time() < opened + 4:
            watching.recommend("newcomer")
            time.sleep(0.02)
        # The follower asks twice in half a second, however many calls there are.
        assert 1 <= len(questions) <= 18
        with away(empty_neo4j):
            until = time.monotonic() + 60
            while watching.recommend("newcomer").stale_since is None:
                assert time.monotonic() < until
                time.sleep(0.05)
            assert watching.stale is not None
            assert datetime.fromisoformat(watching.stale).timestamp() > opened + 1


def delivered_by_itself(engine: Engine) -> None:
    """Wait until an engine that nobody calls has delivered what waits."""
    until = time.monotonic() + 120
    while engine.queue.count():
        assert time.monotonic() < until
        time.sleep(0.05)


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return json.loads(capsys.readouterr().out)


def test_events_wait_for_the_server_and_are_delivered_in_order(
    engine: Engine,
    workshop: Workshop,
    empty_neo4j: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second, third, fourth = (item.item for item in engine.recommend("newcomer", k=4))
    events = [engine.event("newcomer", item, weight=5, time=float(t)) for t, item in enumerate((first, second, third))]
    (tmp_path / "more.tsv").write_text(
        f"user\titem\trating\ttime\tevent_id\nother\t{fourth}\t4.1\t9\tgiven\nother\tno such item\t1\t9\tgone\n"
    )
    running = Engine.open("neo4j", workshop.bundle, queue=True, freshness=0)
    assert running.record(events[0]).written == 1
    assert running.recommend("newcomer").history == engine.recommend("newcomer").history == 1
    record = ("record", "--store", empty_neo4j.uri, "--json")
    capsys.readouterr()
    with away(empty_neo4j):
        report = running.record(events[1], replace(events[1], kind="bought"))
        assert (report.queued, [refusal.row for refusal in report.refused]) == (1, [1])
        assert running.recommend("newcomer").history == 2
        assert running.recommend("newcomer").stale_since is not None
        # An engine that was opened to refuse them does, and serves what others let wait.
        with pytest.raises(StoreUnavailable):
            engine.record(events[2])
        assert main([*record, "--user", "newcomer", "--item", third, "--weight", "5"]) == 2
        assert "is the server running" in capsys.readouterr().err
        assert main([*record, "--user", "newcomer", "--item", third, "--weight", "5", "--time", "2", "--queue"]) == 0
        assert (told(capsys)["queued"], engine.recommend("newcomer").history) == (1, 3)
        # One row of the file is no event; the other waits.
        assert main([*record, "--events", str(tmp_path / "more.tsv"), "--queue"]) == 1
        said = told(capsys)
        assert (said["queued"], said["refused"], said["waiting"]) == (1, 1, 3)
        assert "no such item" in said["reasons"][0]["reason"]
        assert main([*record, "--deliver"]) == 2
        capsys.readouterr()
        assert main(["doctor", "--json"]) in (0, 1)
        assert told(capsys)["waiting"] == [{"url": empty_neo4j.uri, "events": 3, "refused": 0, "damaged": []}]
        # An engine that lived on would deliver by itself.
        running.close()
    # The next process that records delivers first what has waited.
    assert main([*record, "--user", "newcomer", "--item", fourth, "--time", "3", "--id", "last"]) == 0
    assert told(capsys) | {"reasons": []} == {
        "written": 1,
        "already_there": 0,
        "queued": 0,
        "refused": 0,
        "delivered": 3,
        "refused_on_delivery": 0,
        "waiting": 0,
        "reasons": [],
    }
    running = Engine.open("neo4j", workshop.bundle, queue=True, freshness=0)
    assert running.recommend("newcomer").history == 3
    live = [event for event in running.store.events_since(0)[0] if event.user in ("newcomer", "other")]
    assert live[:3] == events
    assert [(event.id, event.weight) for event in live[3:]] == [("given", 4.1), ("last", None)]
    assert main([*record, "--events", str(tmp_path / "more.tsv")]) == 1
    assert told(capsys)["already_there"] == 1
    # An engine that runs delivers by itself; what the store refuses then is said and kept, and served no longer.
    monkeypatch.setattr("kg.stores.event_queue._LOCK_SECONDS", 0.0)
    with running.queue.held():
        running.queue.put([replace(events[0], id="late")], running.graph.schema, 0)
        # What is newer waits behind it.
        assert running.record(replace(events[0], user="thief")).queued == 1
        assert running.recommend("thief").history == 1
    delivered_by_itself(running)
    until = time.monotonic() + 60
    while running.recommend("thief").history:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert running.recommend("newcomer").history == 3
    (refused,) = running.queue.refused()
    assert refused.event.user == "thief"
    assert f"refused event {events[0].id!r}" in caplog.text
    assert running.forget("thief").events == 1
    assert running.queue.refused() == []
    running.close()
