"""Batches between the checks and the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.checking.quarantine import Quarantine
from kg.ingest import writing
from kg.ingest.writing import Batches, Nowhere
from kg.rows import EdgeRow, Event, NodeRow, Position
from kg.sources import RawRecord
from kg.stores import Refusal, WriteReport


class Noted(Nowhere):
    """Notes the calls; refuses edges of the relation `refused`."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[NodeRow] | list[EdgeRow] | list[Event]]] = []

    def write_nodes(self, rows: Sequence[NodeRow]) -> WriteReport:
        self.calls.append(("nodes", list(rows)))
        return WriteReport(new=len(rows))

    def write_edges(self, relation: str, rows: Sequence[EdgeRow]) -> WriteReport:
        self.calls.append((relation, list(rows)))
        if relation == "refused":
            return WriteReport(refused=tuple(Refusal(at, "no") for at in range(len(rows))))
        return WriteReport(new=len(rows))

    def write_events(self, rows: Sequence[Event]) -> WriteReport:
        self.calls.append(("events", list(rows)))
        return WriteReport(new=len(rows))


def record(line: int) -> RawRecord:
    return RawRecord(Position("f.csv", line), {})


@given(
    st.lists(st.sampled_from(["node", "event", "a", "b", "c", "refused"]), max_size=120),
    st.integers(1, 8),
    st.integers(1, 20),
)
def test_rows_are_written_once_in_batches_and_after_the_nodes_they_need(
    arrivals: list[str], batch: int, waiting: int
) -> None:
    sink, quarantine = Noted(), Quarantine(None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "BATCH_ROWS", batch)
        patch.setattr(writing, "WAITING_EDGES", waiting)
        batches = Batches(sink, quarantine)
        for line, kind in enumerate(arrivals):
            if kind == "node":
                batches.node(NodeRow("film", str(line), "x", ""), record(line), "films")
            elif kind == "event":
                batches.event(Event(str(line), "u", "i", "film", "seen", None, None), record(line), "seen")
            else:
                batches.edge(EdgeRow(kind, str(line), "t"), record(line), kind)
            held = line + 1 - sum(len(rows) for _, rows in sink.calls)
            assert held < 2 * batch + waiting
        batches.flush()
    there: set[int] = set()
    lines: dict[str, list[int]] = {}
    for name, rows in sink.calls:
        assert 1 <= len(rows) <= batch
        for row in rows:
            line = int(row.key if isinstance(row, NodeRow) else row.head if isinstance(row, EdgeRow) else row.id)
            lines.setdefault(name, []).append(line)
            if name == "nodes":
                there.add(line)
            else:
                assert {at for at in range(line) if arrivals[at] == "node"} <= there
    # In the order of their coming, each of them.
    names = [{"node": "nodes", "event": "events"}.get(kind, kind) for kind in arrivals]
    assert lines == {name: [at for at, each in enumerate(names) if each == name] for name in set(names)}
    counts = Counter(arrivals)
    assert (batches.nodes.new, batches.events.new) == (counts["node"], counts["event"])
    assert batches.edges.new == counts["a"] + counts["b"] + counts["c"]
    assert quarantine.by_section["refused"] == quarantine.total == counts["refused"]


def test_a_relation_waits_until_it_fills_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "BATCH_ROWS", 10)
    monkeypatch.setattr(writing, "WAITING_EDGES", 25)
    sink = Noted()
    batches = Batches(sink, Quarantine(None))
    for line in range(24):
        batches.edge(EdgeRow("ab"[line % 2 if line < 6 else 0], str(line), "t"), record(line), "s")
    batches.flush()
    assert [(name, len(rows)) for name, rows in sink.calls] == [("a", 10), ("a", 10), ("b", 3), ("a", 1)]
    # Many relations, none of which fills a batch: the one with the most edges gives way.
    sink.calls.clear()
    for line in range(26):
        batches.edge(EdgeRow("abcde"[min(line % 6, 4)], str(line), "t"), record(line), "s")
    assert [(name, len(rows)) for name, rows in sink.calls] == [("e", 8)]
