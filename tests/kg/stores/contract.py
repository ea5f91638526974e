"""The contract of `GraphStore`: what every store must do, as tests that a store's own test class inherits.

A store's test module has a class that inherits `GraphStoreContract`, sets `kind` to the store's name in
`kg.stores.STORES`, and gives the fixture `url`: where a store can be made that nothing has been written to.
"""

from __future__ import annotations

import threading

import pytest

from kg.errors import WhyPathError
from kg.graph import UnknownNode
from kg.paths import LONGEST
from kg.rows import EdgeRow, Event
from kg.stores import (
    GraphStore,
    StoreEmpty,
    StoreError,
    StoreNotFound,
    open_store,
)
from tests.kg.domain import EDGES, EVENTS
from tests.kg.stores.contract_base import expected, load, same
from tests.kg.stores.contract_events import EventContract
from tests.kg.stores.contract_loads import LoadContract

__all__ = ["GraphStoreContract", "expected", "load", "same"]


class GraphStoreContract(LoadContract, EventContract):
    """Tests of every store: those here, of loads (`contract_loads`) and of events (`contract_events`)."""

    # Opening

    def test_is_a_store(self, store: GraphStore) -> None:
        assert isinstance(store, GraphStore)

    def test_a_store_that_is_not_there_is_not_found(self, url: str) -> None:
        with pytest.raises(StoreNotFound):
            open_store(url)

    def test_an_empty_store_says_so(self, store: GraphStore) -> None:
        assert store.state().generation == 0
        assert store.state().loading is None
        for ask in (store.schema, store.snapshot, store.counts):
            with pytest.raises(StoreEmpty):
                ask()
        with pytest.raises(StoreEmpty):
            store.append_events(EVENTS)
        with pytest.raises(StoreEmpty):
            store.delete_user("ann")

    # Looking around

    def test_neighbours_are_listed_in_order(self, store: GraphStore) -> None:
        load(store)
        found = [(n.relation, n.forward, n.kind, n.key, n.label) for n in store.neighbours("film", "10", 10)]
        assert found == [
            ("director", True, "person", "qt", "Quentin Tarantino"),
            ("director", True, "person", "rr", "Robert Rodriguez"),
            ("sequel", True, "film", "11", "Kill Bill 2"),
        ]
        backwards = [(n.forward, n.key) for n in store.neighbours("person", "qt", 10)]
        assert backwards == [(False, "1"), (False, "10"), (False, "2")]
        assert len(store.neighbours("person", "qt", 2)) == 2
        assert [(n.relation, n.key) for n in store.neighbours("viewer", "ann", 10)] == [
            ("lives", "b"),
            ("rating", "1"),
            ("rating", "2"),
            ("view", "1"),
            ("view", "2"),
        ]
        # Who liked an item is nobody's business.
        assert all(n.kind != "viewer" for n in store.neighbours("film", "2", 10))
        for kind, key in (("film", "nothing"), ("nothing", "1")):
            with pytest.raises(UnknownNode):
                store.neighbours(kind, key, 10)

    def test_paths_are_listed_the_most_telling_first(self, store: GraphStore) -> None:
        load(store, edges=[*EDGES, EdgeRow("director", "ä", "qt")])

        def listed(start: str, end: str, **bounds: int | bool) -> list[str]:
            (kind, _, key), (other, _, far) = start.partition(":"), end.partition(":")
            return [str(path) for path in store.paths((kind, key), (other, far), **bounds)]

        # Three have the genre and four the director, who comes first in the order of relations.
        assert listed("film:1", "film:2", max_edges=2) == [
            "Reservoir Dogs ─is→ crime ←is─ Pulp Fiction",
            "Reservoir Dogs ─directed by→ Quentin Tarantino ←directed by─ Pulp Fiction",
        ]
        sequel = ["Reservoir Dogs ─directed by→ Quentin Tarantino ←directed by─ Kill Bill ─followed by→ Kill Bill 2"]
        assert listed("film:1", "film:11", max_edges=3) == sequel
        assert listed("film:1", "film:11", max_edges=2) == []
        assert listed("film:1", "film:1") == []
        # What is hidden is not shown, and what people did only if asked for; their names never.
        assert listed("viewer:ann", "city:b") == []
        assert listed("viewer:ann", "film:10") == []
        assert listed("viewer:ann", "film:10", interactions=True, limit=1) == [
            "you ─liked→ Reservoir Dogs ─directed by→ Quentin Tarantino ←directed by─ Kill Bill"
        ]
        # Two views are one edge; two stars are none.
        assert listed("viewer:ann", "film:1", interactions=True, max_edges=1) == [
            "you ─liked→ Reservoir Dogs",
            "you ─watched→ Reservoir Dogs",
        ]
        assert listed("viewer:ann", "film:2", interactions=True, max_edges=1) == ["you ─watched→ Pulp Fiction"]
        assert any("another user" in path for path in listed("film:2", "film:1", interactions=True))
        store.append_events([Event.of("dan", "10", "film", "rating", weight=3.0)])
        assert listed("viewer:dan", "film:10", interactions=True, max_edges=1) == ["you ─liked→ Kill Bill"]

    def test_paths_are_bounded(self, store: GraphStore) -> None:
        load(store)
        dogs, fiction = ("film", "1"), ("film", "2")
        everything = store.paths(dogs, fiction, max_edges=2)
        assert everything.complete
        assert len(everything) == 2
        cut = store.paths(dogs, fiction, max_edges=2, limit=1)
        assert not cut.complete
        assert list(cut) == list(everything)[:1]
        # There may be longer ones: nobody has looked.
        assert not store.paths(dogs, fiction, max_edges=3, limit=2).complete
        with pytest.raises(WhyPathError, match="edges"):
            store.paths(dogs, fiction, max_edges=LONGEST + 1)
        for node in (("film", "nothing"), ("nothing", "1")):
            for ends in ((dogs, node), (node, dogs)):
                with pytest.raises(UnknownNode):
                    store.paths(*ends)

    def test_counts(self, store: GraphStore) -> None:
        load(store)
        counts = store.counts()
        assert counts.nodes == {"film": 5, "series": 2, "person": 2, "genre": 2, "city": 1, "viewer": 3}
        assert counts.edges["director"] == 4
        assert counts.edges["lives"] == 1
        assert counts.events == {"rating": 3, "view": 4}
        assert counts.dangling == 0

    # Many at once

    def test_threads_append_and_read_together(self, store: GraphStore) -> None:
        load(store)
        errors: list[BaseException] = []

        def append(thread: int) -> None:
            try:
                for number in range(10):
                    event = Event.of(f"u{thread}", "1", "film", "view", time=float(number))
                    assert store.append_events([event]).written == 1
                    assert len(store.snapshot().events_of(f"u{thread}")[0]) == number + 1
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=append, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert store.counts().events["view"] == 4 + 40

    def test_a_closed_store_says_so(self, url: str) -> None:
        store = open_store(url, create=True)
        store.close()
        with pytest.raises(StoreError):
            store.state()
