"""`whypath forget`: a user goes from store, snapshots and queue, and the counts say so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from kg.stores import open_store
from tests.neo4j_server import Server
from tests.workshop import Workshop
from whypath.cli import main
from whypath.engine import Engine


@pytest.fixture
def store(workshop: Workshop, tmp_path: Path) -> Path:
    shutil.copytree(workshop.store, tmp_path / "store")
    return tmp_path / "store"


def test_a_user_is_removed_and_counted(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Engine.open(store) as engine:
        before = engine.graph
        kind = before.schema.user_kinds[0]
        user, other = before.nodes(kind).keys[3], before.nodes(kind).keys[4]
        events = sum(len(table) for table in before.events_of(user))
    assert events > 0
    assert main(["forget", user, "--store", str(store), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "user": user,
        "found": True,
        "events": events,
        "relations": 0,
        "recommendations": 0,
        "snapshots": 1,
        "remaining": 0,
        "waiting": 0,
        "left": "",
    }
    after = open_store(store).snapshot()
    assert after.nodes(kind).keys.find(user) < 0 <= after.nodes(kind).keys.find(other)
    assert sum(map(len, after.events)) == sum(map(len, before.events)) - events
    # The second time there is nobody, which is said, and tells a script.
    assert main(["forget", user, "--store", str(store)]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"there is no user {user!r}\n")
    assert main(["forget", other, "--store", str(store)]) == 0
    said = capsys.readouterr().out
    assert f"user {other!r}\n" in said
    assert "0 remaining afterwards" in said


def test_what_waits_is_removed(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Engine.open(store, queue=True) as engine:
        graph = engine.graph
        item = graph.item_ids[0]
        events = [engine.event("newcomer", item, time=float(at)) for at in range(3)]
        kept = engine.event("another", item, time=1.0)
        engine.queue.put([*events, kept], graph.schema, 0)
        # As after a process that ended while the server was away: nothing delivers meanwhile.
        url = engine.store.url
    assert main(["forget", "newcomer", "--store", str(store), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["found"], told["events"], told["waiting"], told["remaining"]) == (True, 3, 3, 0)
    with Engine.open(url) as engine:
        assert [event.user for event in engine.queue.since(0)[0]] == ["another"]
        engine.queue.put(events[:1], graph.schema, 0)
    assert main(["forget", "newcomer", "--store", str(store)]) == 0
    assert "1 events removed  (1 of them waited on this machine)" in capsys.readouterr().out


def test_a_user_of_neo4j_loses_recommendations_too(
    workshop: Workshop, empty_neo4j: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["load", str(workshop.domain), "--store", "neo4j"]) == 0
    options = ("--store", "neo4j", "--bundle", str(workshop.bundle))
    assert main(["export", *options, "--recommendations", "4", "--to-store"]) == 0
    with Engine.open("neo4j") as engine:
        user = engine.graph.nodes(engine.graph.schema.user_kinds[0]).keys[0]
    capsys.readouterr()
    assert main(["forget", user, "--store", "neo4j", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["found"], told["recommendations"], told["remaining"]) == (True, 4, 0)
    assert empty_neo4j.query("MATCH (n {key: $user}) RETURN count(n)", user=user) == [[0]]
