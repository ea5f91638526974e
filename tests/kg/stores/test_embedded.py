"""The embedded store: the contract of all stores, and what only a store of files has to keep."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kg.opening import open_store
from kg.rows import Event, NodeRow
from kg.schema import DomainSchema
from kg.stores import SchemaMismatch, StoreBusy, StoreDamaged, StoreError, StoreLoading, StoreNotFound
from kg.stores.embedded import EmbeddedStore, journal_mode_reason, wal_is_safe
from kg.stores.embedded.reading import SnapshotReader
from kg.stores.embedded.rows import packed_fields, packed_id, unpacked_id
from kg.stores.snapshots import Moved
from tests.kg.stores.cached_snapshots import CachedSnapshotsContract
from whypath.testing import GraphStoreContract
from whypath.testing.stores.base import expected, load, same
from whypath.testing.stores.domain import EDGES, EVENTS, NODES, films_schema


class TestEmbeddedStore(CachedSnapshotsContract, GraphStoreContract):
    kind = "embedded"

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return str(tmp_path / "store")


class TestEmbeddedStoreWithAWriteAheadLog(CachedSnapshotsContract, GraphStoreContract):
    """As with an SQLite that has the fix, whatever version runs the tests."""

    kind = "embedded"

    @pytest.fixture
    def url(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
        monkeypatch.setattr("kg.stores.sqlite.journal.wal_is_safe", lambda _: True)
        return str(tmp_path / "store")

    def test_the_log_is_used(self, store: EmbeddedStore) -> None:
        with store._database.reading() as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


@pytest.fixture
def store(tmp_path: Path) -> EmbeddedStore:
    return EmbeddedStore.open(tmp_path / "store", create=True)


def snapshots(store: EmbeddedStore) -> list[str]:
    return sorted(path.name for path in (store.directory / "snapshots").iterdir())


def test_the_file_keeps_the_promises(store: EmbeddedStore) -> None:
    load(store)
    with store._database.reading() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert connection.execute("PRAGMA mmap_size").fetchone()[0] == 0
        assert connection.execute("PRAGMA secure_delete").fetchone()[0] == 1
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
        assert mode == ("wal" if wal_is_safe(sqlite3.sqlite_version_info) else "truncate")
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        tables = connection.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").fetchall()
        assert all(strict for name, strict in tables if not name.startswith("sqlite_"))


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), True),
        ((4, 0, 0), True),
    ],
)
def test_write_ahead_logs_only_with_the_fix(version: tuple[int, int, int], safe: bool) -> None:
    assert wal_is_safe(version) is safe
    reason = journal_mode_reason(version)
    assert reason.startswith("write-ahead log" if safe else "rollback journal")
    assert ".".join(map(str, version)) in reason


def test_a_store_left_with_a_write_ahead_log_is_turned_back(store: EmbeddedStore) -> None:
    load(store)
    store.close()
    connection = sqlite3.connect(store.directory / "store.sqlite")
    assert connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal"
    connection.close()
    again = EmbeddedStore.open(store.directory)
    with again._database.reading() as connection:
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    assert mode == ("wal" if wal_is_safe(sqlite3.sqlite_version_info) else "truncate")
    assert same(again.snapshot(), expected())


def test_snapshots_are_cached_by_generation(store: EmbeddedStore) -> None:
    load(store)
    first = store.snapshot()
    assert store.snapshot() is first
    assert snapshots(store) == ["generation-1-events-7"]
    again = EmbeddedStore.open(store.directory)
    assert same(again.snapshot(), first)
    load(store, events=EVENTS[:1])
    store.append_events([Event.of("ann", "10", "film", "view")])
    assert store.snapshot().event_generation == 8
    assert snapshots(store) == ["generation-1-events-7"]
    load(store, nodes=[], edges=[], events=[Event.of("bob", "11", "film", "view")])
    store.snapshot()
    assert snapshots(store) == ["generation-2-events-9"]


def test_a_damaged_or_missing_cache_is_made_again(store: EmbeddedStore) -> None:
    load(store)
    store.snapshot()
    directory = store.directory / "snapshots" / "generation-1-events-7"
    (directory / "nodes-0.arrow").write_bytes(b"")
    assert same(EmbeddedStore.open(store.directory).snapshot(), expected())
    assert same(EmbeddedStore.open(store.directory).snapshot(), expected())


def test_many_appended_events_are_worked_into_the_cache(store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.stores.snapshots._OVERLAID_EVENTS", 3)
    load(store)
    store.snapshot()
    events = [Event.of("ann", "10", "film", "view", time=float(number)) for number in range(5)]
    store.append_events(events)
    assert same(store.snapshot(), expected(events=[*EVENTS, *events]))
    assert snapshots(store) == ["generation-1-events-12"]
    assert same(EmbeddedStore.open(store.directory).snapshot(), expected(events=[*EVENTS, *events]))


def test_nothing_of_a_deleted_user_is_left_in_any_file(store: EmbeddedStore) -> None:
    secret = "very-secret-user-key"
    load(store, nodes=[*NODES, NodeRow("viewer", secret, "very-secret-name", "", {"plan": "very-secret-plan"})])
    store.append_events([Event.of(secret, "1", "film", "view", id="very-secret-event-id")])
    store.snapshot()
    load(store, nodes=[], edges=[], events=[Event.of("bob", "11", "film", "view")])
    store.snapshot()
    files = [path for path in store.directory.rglob("*") if path.is_file()]
    assert any(secret.encode() in path.read_bytes() for path in files)
    assert store.delete_user(secret).remaining == 0
    for path in store.directory.rglob("*"):
        if path.is_file():
            assert b"very-secret" not in path.read_bytes(), path


def test_a_deletion_that_died_halfway_is_finished_by_the_next_reader(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(store)
    store.snapshot()
    with monkeypatch.context() as patch:
        patch.setattr("kg.stores.embedded.forgetting.clean_caches", _die)
        with pytest.raises(KeyboardInterrupt):
            store.delete_user("ann")
    assert snapshots(store) == ["generation-1-events-7"]
    event = Event.of("ann", "11", "film", "view", time=1.0)
    store.append_events([event])
    again = EmbeddedStore.open(store.directory)
    (table,) = again.snapshot().events_of("ann")
    assert list(table.ids) == [event.id]
    assert snapshots(store) == ["generation-2-events-7"]
    with again._database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM forgotten").fetchone()[0] == 0


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_during_a_load_a_lost_cache_is_said(store: EmbeddedStore) -> None:
    load(store)
    with store.begin_load(films_schema(), replace=False, source_digest="") as writer:
        for path in (store.directory / "snapshots" / "generation-1-events-7").iterdir():
            path.unlink()
        again = EmbeddedStore.open(store.directory)
        (store.directory / "snapshots" / "generation-1-events-7").rmdir()
        with pytest.raises(StoreLoading, match="gone"):
            again.snapshot()
        writer.write_nodes([NodeRow("film", "12", "Jackie Brown")])
    # Running the load again is what the message advises.
    load(again, nodes=[*NODES, NodeRow("film", "12", "Jackie Brown")])
    assert same(again.snapshot(), expected([*NODES, NodeRow("film", "12", "Jackie Brown")]))


def test_places_that_are_no_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreNotFound, match="is a file"):
        open_store(tmp_path / "file", create=True)
    with pytest.raises(StoreError, match="cannot be made"):
        open_store(tmp_path / "file" / "below", create=True)
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreNotFound, match="holds no store"):
        open_store(tmp_path / "empty")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "store.sqlite").write_text("not a database, but long enough to be looked at " * 100)
    with pytest.raises(StoreDamaged, match="restore a copy"):
        open_store(tmp_path / "text")
    (tmp_path / "foreign").mkdir()
    foreign = sqlite3.connect(tmp_path / "foreign" / "store.sqlite")
    foreign.execute("CREATE TABLE a (b)")
    foreign.close()
    with pytest.raises(StoreDamaged, match="another program"):
        open_store(tmp_path / "foreign", create=True)
    (tmp_path / "blank").mkdir()
    (tmp_path / "blank" / "store.sqlite").touch()
    with pytest.raises(StoreNotFound, match="interrupted"):
        open_store(tmp_path / "blank")
    load(open_store(tmp_path / "blank", create=True))


def test_another_format_is_refused(store: EmbeddedStore) -> None:
    store.close()
    connection = sqlite3.connect(store.directory / "store.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreDamaged, match="format 99"):
        EmbeddedStore.open(store.directory)


def test_waiting_for_a_hanging_process_ends(store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    load(store)
    monkeypatch.setattr("kg.stores.sqlite.database.BUSY_SECONDS", 0.05)
    impatient = EmbeddedStore.open(store.directory)
    with store._database.writing(), pytest.raises(StoreBusy):
        impatient.append_events([Event.of("ann", "1", "film", "view")])
    hanging = sqlite3.connect(store.directory / "store.sqlite", isolation_level=None)
    hanging.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        impatient.append_events([Event.of("ann", "1", "film", "view")])
    hanging.execute("ROLLBACK")
    assert impatient.append_events([Event.of("ann", "1", "film", "view")]).written == 1


def test_event_ids_are_packed_without_loss() -> None:
    ids = ["a", "", "0" * 32, "f" * 32, "F" * 32, "0" + "f" * 31, "00" + "f" * 30, "ä" * 16, "x" * 15, "\0" * 15]
    packed = [packed_id(event_id) for event_id in ids]
    assert [unpacked_id(each) for each in packed] == ids
    assert len(set(packed)) == len(ids)
    assert len(packed_id("f" * 32)) == 16


def test_fields_that_say_nothing_are_not_kept() -> None:
    assert packed_fields({"b": 1, "a": None, "c": float("nan"), "d": "ä", "e": True}) == '{"b":1,"d":"ä","e":true}'


def test_a_read_that_is_overtaken_begins_again(store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    load(store)
    loading, deleting = EmbeddedStore.open(store.directory), EmbeddedStore.open(store.directory)
    # The load reads a snapshot first, which the deletion overtakes in its turn.
    overtakings = [
        lambda: deleting.delete_user("ann"),
        lambda: load(loading, nodes=[NodeRow("film", "12", "Jackie Brown")], edges=[], events=[]),
    ]
    ends = SnapshotReader._ends

    def overtaken(reader: SnapshotReader, *of: Any) -> tuple[np.ndarray, np.ndarray]:
        found = ends(reader, *of)
        if overtakings:
            overtakings.pop()()
        return found

    monkeypatch.setattr(SnapshotReader, "_ends", overtaken)
    monkeypatch.setattr("kg.stores.embedded.reading._ROWS", 2)
    graph = store.snapshot()
    assert overtakings == []
    assert graph.generation == 3
    nodes = [node for node in NODES if node.key != "ann"] + [NodeRow("film", "12", "Jackie Brown")]
    edges = [edge for edge in EDGES if edge.relation != "lives"]
    assert same(graph, expected(nodes, edges, [event for event in EVENTS if event.user != "ann"]))
    # The load's own, which the last one followed.
    assert snapshots(store) == ["generation-2-events-7"]


def test_a_read_that_is_overtaken_again_and_again_gives_up(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(store)

    def overtaken(*_: object) -> None:
        raise Moved

    monkeypatch.setattr(SnapshotReader, "_nodes", overtaken)
    with pytest.raises(StoreBusy, match="in between"):
        store.snapshot()
    with pytest.raises(StoreBusy, match="in between"):
        store.begin_load(films_schema(), replace=False, source_digest="")
    assert store.state().loading is None


def test_a_read_is_whole_whatever_the_size_of_its_pieces(store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    load(store)
    for rows in (1, 2, 3, 7):
        monkeypatch.setattr("kg.stores.embedded.reading._ROWS", rows)
        shutil.rmtree(store.directory / "snapshots", ignore_errors=True)
        assert same(EmbeddedStore.open(store.directory).snapshot(), expected())


def test_events_are_checked_by_the_schema_they_are_written_under(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(store)
    other = EmbeddedStore.open(store.directory)
    without_views = films_schema(interactions={"rating": {"items": "film"}})
    schema = EmbeddedStore._current_schema
    loads = [lambda: load(other, schema=without_views, events=EVENTS[:3], replace=True)]

    def overtaken(self: EmbeddedStore) -> str:
        found = schema(self)
        if loads:
            loads.pop()()
        return found

    monkeypatch.setattr(EmbeddedStore, "_current_schema", overtaken)
    report = store.append_events([Event.of("ann", "1", "film", "view")])
    assert "no interaction 'view'" in report.refused[0].reason


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_forked_process_gets_a_connection_of_its_own(store: EmbeddedStore) -> None:
    load(store)
    child = os.fork()
    if child == 0:
        written = store.append_events([Event.of("child", "1", "film", "view")]).written
        store.close()
        os._exit(0 if written == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.append_events([Event.of("parent", "1", "film", "view")]).written == 1
    assert {"child", "parent"} <= set(store.snapshot().nodes("viewer").keys)


def test_every_misfit_of_a_schema_is_named(store: EmbeddedStore) -> None:
    load(store)
    description = json.loads(films_schema().to_json())
    description["nodes"]["series"]["role"] = "entity"
    description["relations"]["director"]["head"] = ["series"]
    del description["relations"]["sequel"]
    del description["relations"]["lives"]
    del description["nodes"]["city"]
    description["interactions"]["view"]["items"] = ["film"]
    with pytest.raises(SchemaMismatch) as caught:
        store.begin_load(DomainSchema.from_mapping(description), replace=False, source_digest="")
    for said in (
        "'series' is entity now and was item",
        "'city' is no longer described",
        "'director' (film to person) is from series to person now",
        "'sequel' (film to film) is no longer described",
        "'view' (on film, series) is on film only now",
        "--replace",
    ):
        assert said in str(caught.value)
