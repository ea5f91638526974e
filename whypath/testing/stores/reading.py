"""The store contract: what can be asked of a store that has content, by many at once."""

from __future__ import annotations

import threading

import pytest

from kg.errors import WhyPathError
from kg.graph import UnknownNode
from kg.opening import open_store
from kg.paths import LONGEST
from kg.rows import EdgeRow, Event
from kg.stores import GraphStore, StoreError
from whypath.testing.stores.base import StoreFixtures, dangling, paths
from whypath.testing.stores.domain import EDGES


class ReadContract(StoreFixtures):
    """What every store answers."""

    def test_is_a_store(self, store: GraphStore) -> None:
        assert isinstance(store, GraphStore)

    # Looking around

    def test_paths_are_listed_the_most_telling_first(self, store: GraphStore) -> None:
        self.fill(store, edges=[*EDGES, EdgeRow("director", "ä", "qt")])

        def listed(
            start: str, end: str, *, max_edges: int = 4, limit: int = 10, interactions: bool = False
        ) -> list[str]:
            (kind, _, key), (other, _, far) = start.partition(":"), end.partition(":")
            found = paths(store, (kind, key), (other, far), max_edges=max_edges, limit=limit, interactions=interactions)
            return [str(path) for path in found]

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
        self.fill(store)
        dogs, fiction = ("film", "1"), ("film", "2")
        everything = paths(store, dogs, fiction, max_edges=2)
        assert everything.complete
        assert len(everything) == 2
        cut = paths(store, dogs, fiction, max_edges=2, limit=1)
        assert not cut.complete
        assert list(cut) == list(everything)[:1]
        # There may be longer ones, which were not searched for.
        assert not paths(store, dogs, fiction, max_edges=3, limit=2).complete
        with pytest.raises(WhyPathError, match="edges"):
            paths(store, dogs, fiction, max_edges=LONGEST + 1)
        for node in (("film", "nothing"), ("nothing", "1")):
            for ends in ((dogs, node), (node, dogs)):
                with pytest.raises(UnknownNode):
                    paths(store, *ends)

    def test_no_end_is_missing(self, store: GraphStore) -> None:
        self.fill(store)
        assert dangling(store) == 0

    # Many at once

    def test_threads_append_and_read_together(self, store: GraphStore) -> None:
        self.fill(store)
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
        assert len(store.snapshot().events[1]) == 4 + 40

    def test_a_closed_store_says_so(self, url: str) -> None:
        store = open_store(url, create=True)
        store.close()
        with pytest.raises(StoreError):
            store.state()
