"""Loading again: rows replace what they said before, absent ones stay, what was recorded is nobody else's."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from kg.ingest import load_domain
from kg.opening import open_store
from kg.rows import Event
from kg.stores import GraphStore
from tests.kg.reloading import SHOP, Film, Version, check, events_in, facts_in, load_version, versions
from tests.neo4j_server import Server


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(versions())
def test_an_embedded_store_holds_what_the_rows_say(steps: list[Version]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "store", create=True)
        try:
            check(store, steps)
        finally:
            store.close()


@settings(
    max_examples=12,
    deadline=None,
    # Without making a failing case smaller: on a server that takes minutes. The test above finds the same cases.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(versions())
def test_a_neo4j_store_holds_what_the_rows_say(empty_neo4j: Server, steps: list[Version]) -> None:
    empty_neo4j.empty()
    store = open_store("neo4j", create=True)
    try:
        check(store, steps)
    finally:
        store.close()


@pytest.fixture(params=["embedded", "neo4j"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GraphStore]:
    """Each of the two stores."""
    if request.param == "neo4j":
        request.getfixturevalue("empty_neo4j")
    store = open_store("neo4j" if request.param == "neo4j" else tmp_path / "store", create=True)
    yield store
    store.close()


def version(genres: str, weight: int, *, films: str = "ab", filed: tuple[tuple[str, str], ...] = ()) -> Version:
    rated = (("u", "a", None), weight), (("u", "b", 10.0), weight)
    return Version({key: Film(f"Film {key}", "p", frozenset(genres)) for key in films}, filed, rated, (), False)


def test_a_changed_row_takes_back_what_it_said(either: GraphStore) -> None:
    first = load_version(either, version("xy", 5))
    assert (first.edges.new, first.edges.removed, first.events.new) == (6, 0, 2)
    generation = first.finish.state.generation
    again = load_version(either, version("xy", 5))
    assert (again.edges.same, again.edges.new, again.edges.removed) == (6, 0, 0)
    assert (again.events.same, again.events.changed) == (2, 0)
    assert again.finish.state.generation == generation
    changed = load_version(either, version("z", 1))
    assert (changed.edges.new, changed.edges.same, changed.edges.removed) == (2, 2, 4)
    assert (changed.events.new, changed.events.changed) == (0, 2)
    assert changed.finish.state.generation == generation + 1
    assert "4 removed" in str(changed)
    graph = either.snapshot()
    assert {fact for fact in facts_in(graph) if fact[0] == "has_genre"} == {("has_genre", k, "z") for k in "ab"}
    assert events_in(graph) == [(("u", "a", None), 1), (("u", "b", 10.0), 1)]
    assert len(graph.interactions(positive_only=True)) == 0


def test_a_row_that_is_absent_or_cannot_be_read_keeps_its_facts(either: GraphStore) -> None:
    load_version(either, version("xy", 5))
    load_version(either, version("z", 5, films="a"))
    kept = {("has_genre", "b", "x"), ("has_genre", "b", "y"), ("directed_by", "b", "p")}
    assert kept <= facts_in(either.snapshot())
    # A cell that is no list says nothing of what the list was.
    tables = {
        "films": [{"id": "b", "title": "Film b", "director": None, "genres": "[oops"}],
        "genres": [{"head": "a", "tail": "y"}],
        "ratings": [{"user": "u", "film": "a", "at": None, "stars": 5}],
    }
    report = load_domain(SHOP, either, tables=tables)
    assert report.n_bad == 1
    facts = facts_in(either.snapshot())
    assert {("has_genre", "b", "x"), ("has_genre", "b", "y"), ("has_genre", "a", "y")} <= facts
    assert ("directed_by", "b", "p") not in facts


def test_a_fact_that_a_file_gives_as_well_stays(either: GraphStore) -> None:
    load_version(either, version("xy", 5, filed=(("a", "x"),)))
    load_version(either, version("z", 5))
    assert {f for f in facts_in(either.snapshot()) if f[1] == "a"} == {
        ("has_genre", "a", "x"),
        ("has_genre", "a", "z"),
        ("directed_by", "a", "p"),
    }


def test_the_last_of_two_ratings_stands_and_is_counted(either: GraphStore) -> None:
    rows = (("u", "a", None), 5), (("u", "a", None), 2), (("u", "a", None), 2), (("v", "a", 10.0), 3)
    report = load_version(either, Version({"a": Film("A", None, frozenset())}, (), rows, (), False))
    assert (report.events.new, report.events.corrected, report.events.same, report.n_bad) == (2, 1, 1, 1)
    assert "1 rows gave an earlier event" in str(report)
    assert events_in(either.snapshot()) == [(("u", "a", None), 2), (("v", "a", 10.0), 3)]


def test_what_was_recorded_is_touched_by_no_load(either: GraphStore) -> None:
    load_version(either, version("x", 5))
    recorded = Event.of("u", "a", "film", "rating", time=30.0, weight=3)
    assert either.append_events([recorded]).written == 1
    film = {"a": Film("A", None, frozenset())}
    same_content = (("u", "a", 30.0), 3)
    load_version(either, Version(film, (), (same_content,), (), False))
    assert events_in(either.snapshot()).count(same_content) == 1
    # A row with another weight is an event of its own, and the recorded one stays what it is.
    load_version(either, Version(film, (), ((("u", "a", 30.0), 1),), (), True))
    assert events_in(either.snapshot()) == [(("u", "a", 30.0), 1), same_content]


def test_a_replacing_load_takes_a_row_for_what_was_recorded(either: GraphStore) -> None:
    film = {"a": Film("A", None, frozenset())}
    row = (("u", "a", None), 1)
    load_version(either, Version(film, (), (row,), (row,), False))
    # What was loaded and what was recorded are two, until everything is loaded anew.
    assert events_in(either.snapshot()) == [row, row]
    load_version(either, Version(film, (), (row,), (), False))
    assert events_in(either.snapshot()) == [row, row]
    load_version(either, Version(film, (), (row,), (), True))
    assert events_in(either.snapshot()) == [row]
    # Another weight and back again is the row's own affair.
    load_version(either, Version(film, (), ((row[0], 2), row), (), False))
    assert events_in(either.snapshot()) == [row, row]


def test_a_load_tells_of_recorded_events_whose_item_is_away(either: GraphStore) -> None:
    load_version(either, version("x", 3, films="abc"))
    seen = Event.of("zoe", "c", "film", "rating", weight=5.0)
    assert either.append_events([seen]).written == 1
    away = load_version(either, replace(version("x", 3), replace=True))
    assert (away.finish.waiting_events, away.removed["events"]) == (1, 0)
    assert "recorded events kept until a load brings their item back: 1" in str(away)
    assert (("zoe", "c", None), 5) not in events_in(either.snapshot())
    back = load_version(either, version("x", 3, films="abc"))
    assert "recorded events" not in str(back)
    assert (("zoe", "c", None), 5) in events_in(either.snapshot())
