"""What goes wrong with a Neo4j, on the command line and in the store: one message each that says what to do, and after
it a load comes to the right state.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from kg.graph import KnowledgeGraph
from kg.opening import open_store
from kg.rows import EdgeRow, Event
from kg.stores import StoreDenied, StoreUnavailable
from kg.stores.neo4j.loading import Neo4jLoad
from tests.neo4j_server import Server
from tests.workshop import Workshop
from whypath import Engine
from whypath.cli import main


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.stores.neo4j.connection.RETRY_SECONDS", 1.0)


@pytest.fixture
def goal(workshop: Workshop) -> Iterator[KnowledgeGraph]:
    """What an uninterrupted load of the workshop's domain gives, in whatever store."""
    store = open_store(workshop.store)
    yield store.snapshot()
    store.close()


def run(*arguments: str | Path) -> int:
    return main([str(argument) for argument in arguments])


def fails(server: Server, capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """What a command that fails says: one message on stderr, without traceback and password."""
    capsys.readouterr()
    assert run(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (message,) = [line for line in err.splitlines() if line.startswith("whypath: error: ")]
    assert err.endswith(f"{message}\n")
    assert "Traceback" not in err
    assert server.password not in message
    return message


def is_loaded(goal: KnowledgeGraph, events: Sequence[Event] = ()) -> bool:
    """Whether the database holds the workshop's domain and these events."""
    store = open_store("neo4j")
    graph, wanted = store.snapshot(), goal.overlay(events)
    store.close()
    return (graph.digest, graph.events_digest) == (wanted.digest, wanted.events_digest)


def test_each_failure_is_one_message_that_says_what_to_do(
    empty_neo4j: Server,
    workshop: Workshop,
    goal: KnowledgeGraph,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    unused_port: int,
) -> None:
    load = ("load", workshop.domain, "--store")
    message = fails(empty_neo4j, capsys, *load, f"bolt://127.0.0.1:{unused_port}")
    assert "is the server running" in message
    message = fails(empty_neo4j, capsys, *load, f"{empty_neo4j.uri}?database=films")
    assert "films" in message
    assert "NEO4J_DATABASE" in message
    with monkeypatch.context() as patch:
        patch.setenv("NEO4J_PASSWORD", "wrong-password")
        message = fails(empty_neo4j, capsys, "graph", "stats", "--store", "neo4j")
        assert "refuses the credentials" in message
        assert "NEO4J_PASSWORD_FILE" in message
        assert "wrong-password" not in message
    # Somebody has taken a constraint away, and made a node twice.
    assert run(*load, "neo4j") == 0
    empty_neo4j.query("DROP CONSTRAINT whypath_Item_key")
    empty_neo4j.query("MATCH (i:Item) WITH i LIMIT 1 CREATE (twin:Item {key: i.key, name: 'Twin'})")
    message = fails(empty_neo4j, capsys, *load, "neo4j")
    assert "Item" in message
    assert "correct the rows" in message
    empty_neo4j.query("MATCH (i:Item {name: 'Twin'}) DELETE i")
    assert run(*load, "neo4j") == 0
    assert is_loaded(goal)


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_a_read_only_server(
    empty_neo4j: Server, workshop: Workshop, goal: KnowledgeGraph, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("load", workshop.domain, "--store", "neo4j") == 0
    event = Event.of("newcomer", goal.node_of(0)[1], "item", "rating", weight=5.0)
    with empty_neo4j.read_only():
        assert is_loaded(goal)
        store = open_store("neo4j")
        for write in (
            lambda: store.append_events([event]),
            lambda: store.delete_user(str(goal.nodes("user").keys[0])),
            lambda: store.begin_load(goal.schema, replace=False, source_digest=""),
        ):
            with pytest.raises(StoreDenied, match="is read-only"):
                write()
        store.close()
        record = ("record", "--user", "newcomer", "--item", goal.item_ids[0])
        for command in (("load", workshop.domain), record, (*record, "--queue")):
            message = fails(empty_neo4j, capsys, *command, "--store", "neo4j")
            assert "default_to_read_only" in message
        assert run("recommend", "--store", "neo4j", "--bundle", workshop.bundle, "--user", "newcomer") == 0


def test_a_server_that_dies_in_the_middle_of_a_load(
    empty_neo4j: Server,
    workshop: Workshop,
    goal: KnowledgeGraph,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_edges = Neo4jLoad.write_edges

    def dying(writer: Neo4jLoad, relation: str, rows: Sequence[EdgeRow]) -> Any:
        empty_neo4j.kill()
        return write_edges(writer, relation, rows)

    with monkeypatch.context() as patch:
        patch.setattr(Neo4jLoad, "write_edges", dying)
        message = fails(empty_neo4j, capsys, "load", workshop.domain, "--store", "neo4j")
    assert "is the server running" in message
    empty_neo4j.restart()
    # This process lives on, so its load only gives way when its lease has run out.
    monkeypatch.setattr("kg.stores.neo4j.state.LEASE_SECONDS", 0.0)
    assert run("load", workshop.domain, "--store", "neo4j") == 0
    assert is_loaded(goal)


def test_a_full_disk(
    empty_neo4j: Server,
    workshop: Workshop,
    goal: KnowledgeGraph,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("load", workshop.domain, "--store", "neo4j") == 0
    more = tmp_path / "more"
    shutil.copytree(workshop.domain.parent, more)
    with (more / "items.tsv").open("a") as file:
        file.writelines(f"new{number}\t{'long ' * 200}\t2000\n" for number in range(2_000))
    domain = more / workshop.domain.name
    with Engine.open("neo4j", workshop.bundle, queue=True) as engine:
        event = engine.event("newcomer", goal.item_ids[0], weight=5.0)
        with empty_neo4j.full_disk():
            message = fails(empty_neo4j, capsys, "load", domain, "--store", "neo4j")
            assert "its disk is full" in message
            assert "Make space and start the server again" in message
            # The database has stopped itself; serving goes on, and events wait.
            with pytest.raises(StoreUnavailable, match="disk is full"):
                engine.store.append_events([event])
            assert engine.record(event).queued == 1
            found = engine.recommend("newcomer")
            assert (found.history, found.stale_since is None) == (1, False)
        engine.deliver()
        engine.refresh()
        assert (engine.stale, engine.queue.count()) == (None, 0)
    monkeypatch.setattr("kg.stores.neo4j.state.LEASE_SECONDS", 0.0)
    assert run("load", workshop.domain, "--store", "neo4j", "--replace") == 0
    assert is_loaded(goal, [event])
