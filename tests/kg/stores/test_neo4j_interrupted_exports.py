"""Vectors and recommendations written into a Neo4j store, interrupted at random moments.

A user's list is that of one model, whole, at every moment; an export that is run again ends as if it had never been
interrupted, and the store gives the same snapshot throughout.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from kg.opening import open_store
from tests.kg.stores import export_victims, victims
from tests.kg.stores.interrupting import Interruptions, Strike
from tests.neo4j_server import Server
from whypath.testing.stores.base import same

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")

LISTS = (
    "MATCH (u:Viewer)-[r:RECOMMENDED]->(f:Film) WITH u, r, f ORDER BY u.key, r.rank"
    " RETURN u.key, collect([f.key, r.rank, r.score, r.bundle, r.time])"
)


def listed(version: int) -> dict[str, list[Any]]:
    """What the database must say of a version, by user."""
    return {
        found.user: [
            [key, rank, score, str(version), float(version)]
            for rank, ((_, key), score) in enumerate(zip(found.items, found.scores, strict=True), start=1)
        ]
        for found in export_victims.lists(version)
    }


@pytest.mark.parametrize(
    ("part", "strikes"),
    [(0, [Strike.CLIENT] * 5 + [Strike.SERVER]), (1, [Strike.CLIENT] * 5 + [Strike.RESTART])],
)
def test_an_interrupted_export_ends_as_if_uninterrupted(
    empty_neo4j: Server, tmp_path: Path, part: int, strikes: list[Strike]
) -> None:
    settings = {**empty_neo4j.settings(), "WHYPATH_CACHE": str(tmp_path / "cache")}
    victims.load("neo4j", 1, False)
    store = open_store("neo4j")
    content = store.snapshot()
    store.close()
    export_victims.write(1)
    interruptions = Interruptions(empty_neo4j, f"export {part}")
    strikes = interruptions.mixed(*strikes)
    for version, some in ((2, strikes[:3]), (3, strikes[3:])):
        before, after = listed(version - 1), listed(version)
        for strike in some:
            interruptions.strike(strike, export_victims.MESSAGES, export_victims.export, settings, version)
            found = dict(empty_neo4j.query(LISTS))
            assert found.keys() == before.keys()
            assert all(value in (before[user], after[user]) for user, value in found.items())
        export_victims.write(version)
        assert dict(empty_neo4j.query(LISTS)) == after
        vectors = empty_neo4j.query("MATCH (f:Film) RETURN f.key, f.vector, f.query_vector ORDER BY f._id")
        goal = export_victims.vectors(version)
        assert vectors == [
            [key, list(row), list(row)] for key, row in zip(goal.keys, goal.results.tolist(), strict=True)
        ]
        assert empty_neo4j.query("SHOW VECTOR INDEXES YIELD state RETURN state") == [["ONLINE"]]
    store = open_store("neo4j")
    assert same(store.snapshot(), content)
    store.close()
