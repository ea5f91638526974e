"""The Neo4j store through interruptions at random moments of loading and appending; with those of exporting (in
`test_neo4j_interrupted_exports`) they are more than 50.

Nothing acknowledged may be lost and nothing doubled; a load that is run again ends as if it never had been interrupted.
The interruptions are spread over several tests, so that they can run side by side, each on a server of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kg.graph import KnowledgeGraph
from kg.opening import open_store
from tests.kg.stores import neo4j_victims, victims
from tests.kg.stores.interrupting import Interruptions, Strike
from tests.neo4j_server import Server
from whypath.testing.stores.base import dangling, same

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")


@pytest.fixture
def settings(empty_neo4j: Server, tmp_path: Path) -> dict[str, str]:
    return {**empty_neo4j.settings(), "WHYPATH_CACHE": str(tmp_path / "cache")}


def loaded(store: str, *loads: tuple[int, bool]) -> KnowledgeGraph:
    """The snapshot after uninterrupted loads."""
    for version, replace in loads:
        victims.load(store, version, replace)
    opened = open_store(store)
    graph = opened.snapshot()
    opened.close()
    return graph


@pytest.mark.parametrize(
    ("part", "replace", "strikes"),
    [
        (0, False, [Strike.CLIENT] * 5 + [Strike.SERVER]),
        (1, True, [Strike.CLIENT] * 5 + [Strike.STOP]),
        (2, False, [Strike.CLIENT] * 5 + [Strike.RESTART]),
        (3, True, [Strike.CLIENT] * 5 + [Strike.RESTART]),
    ],
)
def test_an_interrupted_load_ends_as_if_uninterrupted(
    empty_neo4j: Server, settings: dict[str, str], tmp_path: Path, part: int, replace: bool, strikes: list[Strike]
) -> None:
    interruptions = Interruptions(empty_neo4j, f"load {part}")
    before = loaded("neo4j", (1, False))
    loaded(str(tmp_path / "goal"), (1, False))
    interrupted = 0
    strikes = interruptions.mixed(*strikes)
    for version, some in ((2, strikes[:3]), (3, strikes[3:])):
        # What an uninterrupted load gives does not depend on the store, and a folder is quicker.
        goal = loaded(str(tmp_path / "goal"), (version, replace))
        finished = False
        for strike in some:
            interruptions.strike(strike, victims.BATCHES, neo4j_victims.load, settings, version, replace)
            store = open_store("neo4j")
            state = store.state()
            # Served is the generation before, never anything between; a client that has lived on may have finished, and
            # the same load once more changes nothing.
            finished = finished or state.loading is None
            assert state.generation == (version if finished else version - 1)
            assert state.loading is None or not state.loading.alive
            interrupted += state.loading is not None
            assert same(store.snapshot(), goal if finished else before)
            store.close()
        before = loaded("neo4j", (version, replace))
        assert same(before, goal)
        assert before.generation == goal.generation == version
    # A few come too late, or find a client that lives on.
    assert interrupted > len(strikes) // 2


@pytest.mark.parametrize(
    ("part", "strikes"),
    [
        (0, [Strike.CLIENT] * 4 + [Strike.SERVER]),
        (1, [Strike.CLIENT] * 4 + [Strike.STOP]),
        (2, [Strike.CLIENT] * 4 + [Strike.RESTART]),
        (3, [Strike.CLIENT] * 4 + [Strike.RESTART]),
    ],
)
def test_what_was_acknowledged_is_there_once(
    empty_neo4j: Server, settings: dict[str, str], part: int, strikes: list[Strike]
) -> None:
    victims.load("neo4j", 1, False)
    interruptions = Interruptions(empty_neo4j, f"append {part}")
    kept: dict[str, str] = {}
    """Acknowledged event ids of users not deleted since, with their users."""
    appended = 0
    for round, strike in enumerate(interruptions.mixed(*strikes)):
        deleting: str | None = None
        for message in interruptions.strike(strike, 30, neo4j_victims.append, settings, round):
            if message[0] == "appended":
                kept.update(dict.fromkeys(message[1], user_of(message[1][0])))
                appended += len(message[1])
            elif message[0] == "deleting":
                deleting = message[1]
            else:
                assert message[2] == 0
                kept = {event: user for event, user in kept.items() if user != message[1]}
                deleting = None
        store = open_store("neo4j")
        (views,) = (table for table in store.snapshot().events if table.kind == "view")
        there = list(views.ids)
        assert len(set(there)) == len(there)
        missing = {event: user for event, user in kept.items() if event not in set(there)}
        # A deletion that had begun may be done or not, but wholly.
        assert set(missing.values()) <= {deleting}
        kept = {event: user for event, user in kept.items() if event not in missing}
        # Beyond what was acknowledged there is at most the one batch in flight, whole.
        extra = set(there) - kept.keys()
        assert len(extra) in (0, *(1 + int(event.split("-")[1]) % 5 for event in extra))
        kept.update({event: user_of(event) for event in extra})
        assert len(store.snapshot().events[1]) == len(there)
        assert dangling(store) == 0
        store.close()
    assert appended > len(strikes)


def user_of(event: str) -> str:
    """Whose event it is, from its id: round, number, place in the batch."""
    round, number, _ = event.split("-")
    return f"r{round}-{int(number) % 4}"
