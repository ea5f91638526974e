"""What lies beside the description of a graph may be damaged: it is read again, or the error says what to do."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.graph import KnowledgeGraph
from kg.graph_view.sidecar import Kept, Sidecar
from kg.rows import Event
from kg.stores import StoreDamaged, StoreError
from tests.kg.stores.damaged_files import damage_bytes, damage_database
from whypath.testing.stores.domain import EDGES, EVENTS, NODES, films_schema

KEPT = Kept(7, {"film": 5, "view": 3}, "{}", "a", "b", 2)


@pytest.fixture
def domain(tmp_path: Path) -> Path:
    sidecar = Sidecar(tmp_path / "films.yaml")
    sidecar.keep(KEPT)
    sidecar.events.append([Event.of("ann", "1", "film", "view", id=str(each)) for each in range(30)])
    sidecar.close()
    return tmp_path / "films.yaml"


STRANGE = [None, False, "1", 1.5, -1, 10**30, [], {}, [[1]]]


@pytest.mark.parametrize("name", ["generation", "counts", "schema", "facts", "events", "dangling", "version", "other"])
def test_a_note_of_other_types_is_none(domain: Path, name: str) -> None:
    sidecar = Sidecar(domain)
    path = sidecar.directory / "kept.json"
    whole = json.loads(path.read_bytes())
    assert sidecar.kept() == KEPT
    for value in STRANGE:
        if (name, value) == ("counts", {}) or (isinstance(value, str) and name in ("schema", "facts", "events")):
            continue
        path.write_text(json.dumps(whole | {name: value}))
        assert sidecar.kept() is None, (name, value)


def test_a_generation_is_not_given_twice_where_the_note_is_lost(domain: Path) -> None:
    sidecar = Sidecar(domain)
    graph = KnowledgeGraph.from_rows(films_schema(), NODES, EDGES, EVENTS, generation=7)
    sidecar.cache.write(graph)
    (sidecar.directory / "kept.json").write_bytes(b"\xff")
    assert sidecar.kept() is None
    assert sidecar.last_generation() == 7


def used(domain: Path) -> str | None:
    """Open it, read and write everything; what the error says, if one is raised."""
    try:
        sidecar = Sidecar(domain)
        try:
            kept = sidecar.kept()
            assert kept is None or (type(kept.generation) is int and isinstance(kept.schema, str))
            for event in sidecar.events.since(0)[0]:
                assert {type(each) for each in (event.id, event.user, event.item)} == {str}
            sidecar.events.append([Event.of("bob", "1", "film", "view", id="new")])
            sidecar.events.remove_user("ann")
            assert sidecar.events.count("ann") == 0
        finally:
            sidecar.close()
    except StoreError as error:
        return str(error)
    return None


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_damaged_it_opens_or_says_what_to_do(domain: Path, data: st.DataObject) -> None:
    folder = domain.parent / ".whypath" / "films"
    whole = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    note = folder / "kept.json"
    path = data.draw(st.sampled_from([folder / "events.sqlite", folder / "events.sqlite", note]))
    if path == note:
        damage_bytes(data.draw, path)
    else:
        damage_database(data.draw, path)
    problem = used(domain)
    assert problem is None or str(folder) in problem
    for path, content in whole.items():
        path.unlink(missing_ok=True)
        path.write_bytes(content)


def test_a_damaged_log_says_what_to_do(domain: Path) -> None:
    path = domain.parent / ".whypath" / "films" / "events.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP INDEX event_by_user")
    with pytest.raises(StoreDamaged, match="move the file away") as raised:
        Sidecar(domain)
    assert str(path) in str(raised.value)
