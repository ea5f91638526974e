"""The Neo4j store when things go wrong: one clear message each, nothing lost, nothing doubled, no credentials shown.

The tests kill and restart the server, so they have it for themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from kg.opening import open_store
from kg.rows import EdgeRow, Event, NodeRow
from kg.stores import Appended, StoreDenied, StoreError, StoreLocked, StoreUnavailable, WriteReport
from kg.stores.neo4j import Neo4jStore
from tests.kg.stores.cutting import Cut, Loss
from tests.neo4j_server import Server
from whypath.testing.stores.base import expected, load, same
from whypath.testing.stores.domain import EDGES, EVENTS, NODES, films_schema


@pytest.fixture
def store(empty_neo4j: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Neo4jStore]:
    monkeypatch.setattr("kg.stores.neo4j.connection.RETRY_SECONDS", 1.0)
    store = Neo4jStore.open("neo4j", create=True)
    yield store
    store.close()


def said(error: pytest.ExceptionInfo[StoreError], server: Server) -> str:
    """The message, which is for a reader: one paragraph without the password."""
    text = str(error.value)
    assert server.password not in text
    assert "\n" not in text
    return text


def test_wrong_credentials(empty_neo4j: Server, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", "wrong-password")
    with pytest.raises(StoreDenied) as caught:
        open_store(empty_neo4j.uri)
    assert "refuses the credentials" in said(caught, empty_neo4j)
    assert "NEO4J_PASSWORD_FILE" in str(caught.value)
    assert "wrong-password" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_no_credentials(empty_neo4j: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEO4J_PASSWORD_FILE")
    with pytest.raises(StoreDenied, match="set NEO4J_USERNAME"):
        open_store(empty_neo4j.uri)


def test_a_database_that_is_not_there(empty_neo4j: Server) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(f"{empty_neo4j.uri}?database=films", create=True)
    assert "films" in said(caught, empty_neo4j)
    assert "NEO4J_DATABASE" in str(caught.value)


def test_a_named_database(empty_neo4j: Server) -> None:
    store = open_store(f"{empty_neo4j.uri}?database=neo4j", create=True)
    load(store)
    assert store.url == f"{empty_neo4j.uri}?database=neo4j"
    store.close()
    again = open_store("neo4j")
    assert same(again.snapshot(), expected())
    again.close()


def test_rows_that_break_a_constraint_are_named(store: Neo4jStore, empty_neo4j: Server) -> None:
    with empty_neo4j.driver() as driver:
        driver.execute_query("UNWIND [1, 2] AS n CREATE (:Robot {key: 'r2d2'})")
    nodes = films_schema().model_dump(mode="json", exclude_defaults=True)["nodes"]
    schema = films_schema(nodes={**nodes, "robot": {"source": "r.csv", "key": "id"}})
    with pytest.raises(StoreError) as caught:
        store.begin_load(schema, replace=False, source_digest="")
    assert "Robot" in said(caught, empty_neo4j)
    assert "correct the rows" in str(caught.value)
    assert store.state().loading is None
    load(store)


def test_an_index_in_the_way_of_a_constraint_is_named(store: Neo4jStore, empty_neo4j: Server) -> None:
    with empty_neo4j.driver() as driver:
        driver.execute_query("CREATE INDEX mine FOR (d:Droid) ON (d.key)")
    nodes = films_schema().model_dump(mode="json", exclude_defaults=True)["nodes"]
    schema = films_schema(nodes={**nodes, "droid": {"source": "d.csv", "key": "id"}})
    with pytest.raises(StoreError) as caught:
        store.begin_load(schema, replace=False, source_digest="")
    assert "drop the index" in said(caught, empty_neo4j)
    with empty_neo4j.driver() as driver:
        driver.execute_query("DROP INDEX mine")
    with store.begin_load(schema, replace=False, source_digest="") as writer:
        assert writer.write_nodes([*NODES, NodeRow("droid", "c3po", "C-3PO")]).new == len(NODES) + 1
        writer.finish()


def test_a_server_that_dies_in_the_middle_of_a_load(
    store: Neo4jStore, empty_neo4j: Server, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    load(store)
    event = Event.of("ann", "10", "film", "view", time=99.0)
    assert store.append_events([event]).written == 1
    served = expected(events=[*EVENTS, event])
    node = NodeRow("film", "77", "New")
    with store.begin_load(films_schema(), replace=True, source_digest="") as writer:
        writer.write_nodes([*NODES[:3], node])
        empty_neo4j.kill()
        with pytest.raises(StoreUnavailable) as caught:
            writer.write_nodes(NODES[3:])
    assert "is the server running" in said(caught, empty_neo4j)
    with pytest.raises(StoreUnavailable):
        store.append_events([event])
    assert capfd.readouterr() == ("", "")
    empty_neo4j.restart()
    # Nothing acknowledged is lost, and what is served is still the last complete generation.
    assert same(store.snapshot(), served)
    assert store.append_events([event]).already_there == 1
    # The dead server could not be told that the load ended: as long as the lease runs, it says that somebody loads.
    with pytest.raises(StoreLocked, match="gives way"):
        store.begin_load(films_schema(), replace=True, source_digest="")
    monkeypatch.setattr("kg.stores.neo4j.state.LEASE_SECONDS", 0.0)
    load(store, nodes=[*NODES, node], replace=True)
    assert same(store.snapshot(), expected([*NODES, node], EDGES, [*EVENTS, event]))


@contextmanager
def cut_before(server: Server, loss: Loss) -> Iterator[tuple[Cut, Neo4jStore]]:
    proxy = Cut(server, loss)
    store = Neo4jStore.open(f"bolt://127.0.0.1:{proxy.port}")
    try:
        yield proxy, store
    finally:
        store.close()
        proxy.close()


@pytest.mark.parametrize("loss", Loss)
def test_a_commit_whose_answer_was_lost_is_counted_once(
    store: Neo4jStore,
    empty_neo4j: Server,
    capfd: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    loss: Loss,
) -> None:
    load(store)
    # As long as a server takes to come back on a busy machine.
    monkeypatch.setattr("kg.stores.neo4j.connection.RETRY_SECONDS", 120.0)
    live = [Event.of("ann", "10", "film", "view", time=float(n), id=f"e{n}") for n in range(3)]
    node, edge = NodeRow("film", "77", "New"), EdgeRow("director", "77", "qt")
    event = Event.of("ann", "77", "film", "view", time=9.0)
    with cut_before(empty_neo4j, loss) as (proxy, through):
        proxy.arm()
        report = through.append_events([*live, live[0]])
        assert report.outcomes == (Appended.WRITTEN,) * 3 + (Appended.ALREADY_THERE,)
        proxy.assert_cut(1)
        if loss is not Loss.SERVER:
            proxy.arm()
            deleted = through.delete_user("bob")
            assert (deleted.found, deleted.events, deleted.remaining) == (True, 1, 0)
            proxy.assert_cut(2)
        else:
            through.delete_user("bob")
        with through.begin_load(films_schema(), replace=False, source_digest="") as writer:
            steps: list[tuple[Callable[[], object], object]] = [
                (lambda: writer.write_nodes([node, NODES[0]]), WriteReport(new=1, same=1)),
                (lambda: writer.write_edges("director", [edge, EDGES[0]]), WriteReport(new=1, same=1)),
                (lambda: writer.write_events([event, EVENTS[0]]), WriteReport(new=1, same=1)),
                (lambda: writer.finish().state.loading, None),
            ]
            for number, (step, expected_report) in enumerate(steps):
                before = proxy.cuts
                # The server that is killed takes seconds to come back, so it is only in the middle of one batch.
                cut = loss is not Loss.SERVER or number == 2
                if cut:
                    proxy.arm()
                assert step() == expected_report
                proxy.assert_cut(before + cut)
    assert store.state().loading is None
    nodes = [*(other for other in NODES if other.key != "bob"), node]
    events = [*(other for other in EVENTS if other.user != "bob"), *live, event]
    assert same(store.snapshot(), expected(nodes, [*EDGES, edge], events))
    assert capfd.readouterr() == ("", "")


def test_what_a_replacing_load_removes_is_counted_once(store: Neo4jStore, empty_neo4j: Server) -> None:
    load(store)
    edges = [edge for edge in EDGES if edge != EdgeRow("director", "10", "rr")]
    with cut_before(empty_neo4j, Loss.ANSWER) as (proxy, through):
        with through.begin_load(films_schema(), replace=True, source_digest="") as writer:
            writer.write_nodes(NODES)
            for relation in sorted({edge.relation for edge in edges}):
                writer.write_edges(relation, [edge for edge in edges if edge.relation == relation])
            writer.write_events(EVENTS)
            # The first commit of the end only looks; the second removes edges between films and people.
            proxy.arm(passing=1)
            finish = writer.finish()
        proxy.assert_cut(1)
    assert (finish.removed_nodes, finish.removed_edges, finish.removed_events) == (0, 1, 0)
    assert same(store.snapshot(), expected(edges=edges))
