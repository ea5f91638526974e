"""The store contract: appended events and deleted users."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kg.rows import Event, NodeRow
from kg.stores import (
    Appended,
    GraphStore,
    Refusal,
)
from whypath.testing.stores.base import StoreFixtures, dangling, expected, same
from whypath.testing.stores.domain import EDGES, EVENTS, NODES


class EventContract(StoreFixtures):
    """What every store does with events and users."""

    removed = (6, 1)
    """Events and edges that go with a user who has five events of the content, one appended, and one edge."""

    # Events

    def test_appended_events_are_in_the_next_snapshot(self, store: GraphStore, other: GraphStore) -> None:
        self.fill(store)
        before = other.snapshot()
        events = [
            Event.of("ann", "10", "film", "view", time=99.0),
            Event.of("new user", "9", "series", "view", weight=2.5, id="given id"),
            Event.of("ann", "10", "film", "view", time=100.0),
        ]
        report = store.append_events(events)
        assert report.outcomes == (Appended.WRITTEN,) * 3
        assert report.event_generation == other.state().event_generation > before.event_generation
        assert other.state().generation == before.generation
        for view in (store, other):
            graph = view.snapshot()
            assert same(graph, expected(events=[*EVENTS, *events]))
            assert graph.digest == before.digest
        since, reached = other.events_since(before.event_generation)
        assert list(since) == events
        assert reached == report.event_generation
        assert other.events_since(reached) == ((), reached)

    def test_an_event_is_written_once(self, store: GraphStore) -> None:
        self.fill(store)
        event = Event.of("ann", "1", "film", "rating", time=1.0, weight=4.0, id="e1")
        twin = Event.of("ann", "1", "film", "rating", time=1.0, weight=5.0, id="e1")
        assert store.append_events([event, event]).outcomes == (Appended.WRITTEN, Appended.ALREADY_THERE)
        report = store.append_events([twin, event, EVENTS[0]])
        assert report.outcomes == (Appended.REFUSED, Appended.ALREADY_THERE, Appended.ALREADY_THERE)
        assert report.written == 0
        assert report.already_there == 2
        assert [refusal.row for refusal in report.refused] == [0]
        assert "e1" in report.refused[0].reason
        assert same(store.snapshot(), expected(events=[*EVENTS, event]))

    def test_events_that_fit_nothing_are_refused_with_a_reason(self, store: GraphStore) -> None:
        self.fill(store)
        events = [
            Event.of("ann", "unknown item", "film", "rating"),
            Event.of("ann", "9", "series", "rating"),
            Event.of("ann", "1", "film", "bought"),
            Event.of("ann", "1", "film", "view", time=float("nan")),
            Event.of("\udc80", "1", "film", "view", id="half a pair"),
            Event.of("ann", "1", "film", "view", weight=1e308),
            Event.of("ann", "1", "film", "view", weight=-1.1e15),
            Event.of("ann", "1", "film", "view", time=1.7e12),
            Event.of("ann", "1", "film", "view", time=-1e18),
            Event.of("ann", "1", "film", "view", id="good", weight=1e15, time=253402300799.0),
        ]
        report = store.append_events(events)
        assert report.outcomes == (Appended.REFUSED,) * 9 + (Appended.WRITTEN,)
        assert [refusal.row for refusal in report.refused] == list(range(9))
        words = ("unknown item", "series", "bought", "time", "Unicode", "weight", "weight", "milliseconds", "time")
        for refusal, word in zip(report.refused, words, strict=True):
            assert isinstance(refusal, Refusal)
            assert word in refusal.reason
        assert same(store.snapshot(), expected(events=[*EVENTS, events[-1]]))

    def test_ids_and_keys_come_back_as_they_were(self, store: GraphStore) -> None:
        keys = ["a:b", "film:2", "Ünï çødé", "x" * 300, " ", "0" * 32, "f" * 32, "'; DROP TABLE node; --", "a\nb", "🎬"]
        self.fill(store, nodes=[*NODES, *(NodeRow("film", key, key) for key in keys)])
        events = [Event.of(key, key, "film", "view", id=key, time=1.5) for key in keys]
        assert store.append_events(events).written == len(keys)
        since, _ = store.events_since(store.snapshot().event_generation - len(keys))
        assert list(since) == events
        graph = store.snapshot()
        assert same(graph, expected([*NODES, *(NodeRow("film", key, key) for key in keys)], EDGES, [*EVENTS, *events]))

    # Events since

    def test_events_since_a_number_are_those_appended_after_it(self, store: GraphStore, other: GraphStore) -> None:
        self.fill(store)
        start = store.state().event_generation
        # Events of a load are no news: they come with its generation.
        assert (list(store.events_since(0)[0]), store.events_since(0)[1]) == ([], start)
        events = [Event.of("ann", "10", "film", "view", time=float(number)) for number in range(4)]
        numbers = [store.append_events([event]).event_generation for event in events[:2]]
        assert start < numbers[0] < numbers[1] == other.state().event_generation
        for number, expected_events in ((0, events[:2]), (start, events[:2]), (numbers[0], events[1:2])):
            since, reached = other.events_since(number)
            assert (list(since), reached) == (expected_events, numbers[1])
        # What is there already, and what is refused, moves nothing.
        assert store.append_events([events[0], replace(events[1], kind="bought")]).event_generation == numbers[1]
        # A number from ahead, such as one of a store that was made again, has nothing after it.
        assert (list(store.events_since(10**9)[0]), store.events_since(10**9)[1]) == ([], numbers[1])

    def test_what_is_deleted_is_not_among_the_events_since(self, store: GraphStore, other: GraphStore) -> None:
        self.fill(store)
        start = store.state().event_generation
        events = [Event.of(user, "10", "film", "view", time=1.0) for user in ("ann", "dora", "ann", "eve")]
        number = store.append_events(events).event_generation
        store.delete_user("ann")
        since, reached = other.events_since(start)
        # No number is given twice, so what was read up to one is complete.
        assert (list(since), reached) == ([events[1], events[3]], number)
        later = Event.of("ann", "10", "film", "view", time=1.0)
        assert store.append_events([later]).event_generation > number
        assert list(other.events_since(number)[0]) == [later]

    # Deleting

    def test_a_deleted_user_is_gone_everywhere(self, store: GraphStore, other: GraphStore) -> None:
        self.fill(store)
        store.append_events([Event.of("ann", "10", "film", "view", time=99.0)])
        before = store.snapshot()
        other.snapshot()
        report = store.delete_user("ann")
        assert (report.user, report.found, report.remaining) == ("ann", True, 0)
        assert (report.events, report.edges) == self.removed
        nodes = [node for node in NODES if node.key != "ann"]
        edges = [edge for edge in EDGES if edge.relation != "lives"]
        events = [event for event in EVENTS if event.user != "ann"]
        for view in (store, other):
            graph = view.snapshot()
            assert same(graph, expected(nodes, edges, events))
            assert graph.digest == before.digest
            # Who read the store before must notice.
            assert graph.generation == view.state().generation > before.generation
        assert dangling(store) == 0

    @pytest.mark.parametrize("user", ["nobody", "\udcff"])
    def test_deleting_a_user_that_is_not_there(self, store: GraphStore, user: str) -> None:
        self.fill(store)
        before = store.state()
        report = store.delete_user(user)
        assert (report.found, report.events, report.remaining) == (False, 0, 0)
        assert store.state() == before

    def test_a_deleted_user_may_come_back(self, store: GraphStore, other: GraphStore) -> None:
        self.fill(store)
        store.snapshot()
        store.delete_user("ann")
        event = Event.of("ann", "2", "film", "view", time=1000.0)
        assert store.append_events([event]).written == 1
        for view in (other, store):
            (table,) = view.snapshot().events_of("ann")
            assert list(table.ids) == [event.id]
            assert view.snapshot().fields_of(view.snapshot().node_id("viewer", "ann")) == {}

    def test_a_deleted_user_leaves_the_quarantine_files_that_can_be_reached(
        self, store: GraphStore, other: GraphStore, tmp_path: Path
    ) -> None:
        self.fill(store)
        row = {
            "file": "r.csv",
            "line": 2,
            "section": "interactions.rating",
            "reason": "unknown end",
            "detail": "no film",
        }
        lines = [
            {**row, "users": ["ann"], "raw": "ann,77"},
            {**row, "users": ["anna"], "raw": "anna,ann"},
            {**row, "users": [], "raw": "ann"},
            {**row, "users": None, "raw": "ann,1,2,3"},
            {**row, "users": None, "raw": "anna,1,2,3"},
        ]
        kept, gone = tmp_path / "kept.jsonl", tmp_path / "gone.jsonl"
        kept.write_text("".join(json.dumps(line) + "\n" for line in lines))
        for path in (kept, gone, kept):
            store.remember_quarantine(path)
        report = other.delete_user("ann")
        assert (report.quarantined, report.remaining) == (2, 0)
        assert [place for place in report.unreached if str(gone) in place] == list(report.unreached)
        assert len(report.unreached) == 1
        assert [json.loads(line) for line in kept.read_text().splitlines()] == [lines[1], lines[2], lines[4]]
        again = store.delete_user("ann")
        assert (again.quarantined, again.remaining) == (0, 0)
