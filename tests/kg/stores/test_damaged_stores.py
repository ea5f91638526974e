"""A damaged store ends in a right answer or in an error that names the file and says what to do, whatever is asked."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.graph import KnowledgeGraph, UnknownNode
from kg.rows import Event
from kg.stores import StoreDamaged, StoreError
from kg.stores.embedded import EmbeddedStore
from tests.kg.stores.damaged_files import Draw, Sql, damage_bytes, damage_database, loosened
from whypath.testing.stores.base import expected, load, same
from whypath.testing.stores.domain import EVENTS

APPENDED = [Event.of("ann", "1", "film", "view", time=5.0), Event.of("new", "2", "series", "view", id="given")]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a store with a load, appended events and the note of a quarantine file."""
    folder = tmp_path_factory.mktemp("sound") / "store"
    store = EmbeddedStore.open(folder, create=True)
    load(store)
    store.append_events(APPENDED)
    store.remember_quarantine(folder.parent / "bad.jsonl")
    store.snapshot()
    store.close()
    return folder


@pytest.fixture
def store(sound: Path, tmp_path: Path) -> Path:
    """A copy, without cached snapshots."""
    return copied(sound, tmp_path / "store")


def copied(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns("snapshots"))
    return to


def check(graph: KnowledgeGraph) -> None:
    """A snapshot's indices lead to what is there."""
    users = len(graph.nodes("viewer"))
    for table in graph.events:
        assert not len(table) or (table.users.min() >= 0 and table.users.max() < users)
        assert not len(table) or (table.items.min() >= 0 and table.items.max() < graph.n_items)
        assert not np.isinf(table.weights).any()
        assert not np.isinf(table.times).any()
        list(table.ids)
    for relation in graph.relations:
        heads, tails = relation.heads, relation.tails
        assert not len(heads) or (heads.min() >= 0 and heads.max() < len(graph.nodes(relation.head_kind)))
        assert not len(tails) or (tails.min() >= 0 and tails.max() < len(graph.nodes(relation.tail_kind)))
    for node in range(graph.n_nodes):
        graph.fields_of(node)
        graph.label_of(node)
    assert graph.digest
    assert graph.events_digest


def asked(store: EmbeddedStore) -> list[Callable[[], object]]:
    """Everything that is asked of a store."""
    return [
        store.state,
        store.schema,
        lambda: check(store.snapshot()),
        lambda: check(store.read_complete()),
        lambda: store.events_since(0),
        lambda: store.append_events([Event.of("ann", "1", "film", "view", time=9.0), *APPENDED]),
        lambda: check(store.snapshot()),
        lambda: store.delete_user("ann"),
        lambda: load(store, replace=False),
        lambda: check(store.snapshot()),
        lambda: load(store, replace=True),
        lambda: check(store.snapshot()),
    ]


def refusals(folder: Path) -> list[StoreError]:
    """Ask everything; the errors, all of which are for a reader."""
    refused: list[StoreError] = []
    try:
        store = EmbeddedStore.open(folder)
    except StoreError as error:
        return [error]
    try:
        for ask in asked(store):
            try:
                ask()
            except UnknownNode:
                pass
            except StoreError as error:
                refused.append(error)
            except AssertionError as error:
                # A load that refuses rows, since a node of a changed key is another node.
                if "refused" not in str(error):
                    raise
    finally:
        store.close()
    for error in refused:
        assert str(folder) in str(error), str(error)
        if isinstance(error, StoreDamaged):
            assert "restore a copy" in str(error) or "load the domain" in str(error)
    return refused


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
@given(st.data())
def test_whatever_is_damaged_the_answer_is_right_or_an_error_for_the_reader(sound: Path, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = copied(sound, Path(place) / "store")
        damage(data.draw, folder)
        refusals(folder)


def damage(draw: Draw, folder: Path) -> None:
    """Any damage of any file of a store but its cached snapshots, which have tests of their own."""
    database, note = folder / "store.sqlite", folder / "quarantines.json"
    match draw(st.sampled_from(["database", "database", "database", "note", "journal", "log", "lock"])):
        case "database":
            damage_database(draw, database)
        case "note":
            damage_bytes(draw, note)
        case "journal":
            (folder / "store.sqlite-journal").write_bytes(draw(journals(database)))
        case "log":
            (folder / "store.sqlite-wal").write_bytes(draw(st.binary(max_size=5000)))
        case "lock":
            (folder / "write.lock").write_bytes(draw(st.binary(max_size=50)))


def journals(database: Path) -> st.SearchStrategy[bytes]:
    """Rollback journals: any bytes, with and without the right beginning."""
    magic = bytes.fromhex("d9d505f920a163d7")
    return st.one_of(st.binary(max_size=600), st.binary(max_size=5000).map(lambda rest: magic + rest))


SQL = {
    "a node of another kind at the end of an edge": "UPDATE edge SET tail = (SELECT min(id) FROM node) WHERE relation ="
    " (SELECT id FROM name WHERE name = 'lives')",
    "an edge to a node that is not there": "UPDATE edge SET tail = 12345 + tail",
    "an edge of no relation": "UPDATE edge SET relation = 999 + relation",
    "an absurd node id": "UPDATE node SET id = 9007199254740991 WHERE key = 'crime'",
    "an event of nobody": "UPDATE event SET user = 999 WHERE born = 0",
    "an event on nothing": "UPDATE event SET item = 999 WHERE born = 0",
    "an event of no kind": "UPDATE event SET kind = 999",
    "an event id of the wrong length": "UPDATE event SET id = x'0102' WHERE number = 1",
    "an empty event id": "UPDATE event SET id = x'' WHERE number = 1",
    "an event id that is no text": "UPDATE event SET id = x'00ff' WHERE number = 1",
    "a lost node": "DELETE FROM node WHERE key = 'ann'",
    "a lost name": "DELETE FROM name WHERE name = 'viewer'",
    "no counters": "DELETE FROM state",
    "a negative counter": "UPDATE state SET generation = -1",
    "an absurd counter": "UPDATE state SET generation = 9223372036854775807",
    "counters that contradict each other": "UPDATE state SET last_event = 1",
    "a description that is no JSON": "UPDATE state SET schema = '{'",
    "a description of something else": "UPDATE state SET schema = '{\"nodes\": 1}'",
    "a load that began at no time": "INSERT INTO loading VALUES (1, 1e300, 'd', 0, 'x', '{}', 0)",
    "a load of no description": "INSERT INTO loading VALUES (1, 5.0, 'd', 0, 'x', '{', 0)",
    "fields that are no JSON": "UPDATE node SET fields = '{'",
    "fields that are a list": "UPDATE node SET fields = '[1]'",
    "a field that is a list": "UPDATE node SET fields = '{\"year\": [1]}'",
    "a field beyond all numbers": "UPDATE node SET fields = '{\"year\": 1e999}'",
    "a field that nests without end": "UPDATE node SET fields = '" + "[" * 100_000 + "'",
    "an empty key": "UPDATE node SET key = '' WHERE key = 'crime'",
    "a dropped index": "DROP INDEX node_by_key",
    "a dropped table": "DROP TABLE edge",
    "a dropped column": "ALTER TABLE node DROP COLUMN label",
    "a trigger": "CREATE TRIGGER strange AFTER INSERT ON event BEGIN DELETE FROM node; END",
}
"""What is damaged, by the statement that does it; all of it is noticed by what is asked."""


@pytest.mark.parametrize("what", SQL)
def test_damaged_rows_are_told(what: str, store: Path) -> None:
    with closing(sqlite3.connect(store / "store.sqlite")) as connection, connection:
        connection.execute(SQL[what])
    assert any(isinstance(error, StoreDamaged) for error in refusals(store)), what


BROKEN = Sql("CAST(x'ff' AS TEXT)")
WRONG = {
    "INTEGER": (None, -1, 2**62, 0.5, "x", b"x", BROKEN),
    "TEXT": (None, 5, b"x", BROKEN),
    "REAL": ("x", b"x", BROKEN),
}
"""Values that a column of a type cannot have."""
COLUMNS = {
    "INTEGER": "state.generation state.last_event node.kind node.load edge.head edge.tail edge.relation event.kind"
    " event.user event.item event.born event.load",
    "TEXT": "node.key node.label node.text node.fields state.schema",
    "REAL": "event.time event.weight",
}
ROWS = {"state": "true", "node": "key = 'crime'", "event": "number = 8", "edge": "(relation, head, tail) IS (SELECT"}
ROWS["edge"] += " relation, head, tail FROM edge LIMIT 1)"


@pytest.mark.parametrize(("column", "type"), [(column, type) for type in COLUMNS for column in COLUMNS[type].split()])
def test_values_of_wrong_types_are_told(column: str, type: str, sound: Path, tmp_path: Path) -> None:
    table, _, name = column.partition(".")
    for number, value in enumerate(WRONG[type]):
        if value is None and (table == "edge" or name == "schema"):
            continue
        folder = copied(sound, tmp_path / str(number))
        given, values = (str(value), ()) if isinstance(value, Sql) else ("?", (value,))

        def change(connection: sqlite3.Connection, given: str = given, values: tuple = values) -> None:
            connection.execute(f"UPDATE {table} SET {name} = {given} WHERE {ROWS[table]}", values)
            assert connection.execute("SELECT changes()").fetchone()[0]

        loosened(folder / "store.sqlite", change)
        assert any(isinstance(error, StoreDamaged) for error in refusals(folder)), (column, value)


def test_a_store_that_is_not_damaged_answers_everything(store: Path) -> None:
    assert refusals(store) == []
    assert same(EmbeddedStore.open(store).snapshot(), expected(events=[*EVENTS, APPENDED[1]]))
