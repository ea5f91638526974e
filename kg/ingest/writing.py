"""Batches between the checks and the store: created nodes before the edges and events that need them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

from kg.ingest.quarantine import Quarantine
from kg.rows import EdgeRow, Event, NodeRow
from kg.sources import RawRecord, Reason
from kg.stores import WriteReport

Row = TypeVar("Row")

BATCH_ROWS = 10_000
"""Rows of a transaction: large enough that its fsync does not count, small enough to hold."""


class RowSink(Protocol):
    """Where rows go: a store's `LoadWriter`, or nowhere in a validation pass."""

    def write_nodes(self, rows: Sequence[NodeRow]) -> WriteReport: ...

    def write_edges(self, relation: str, rows: Sequence[EdgeRow]) -> WriteReport: ...

    def write_events(self, rows: Sequence[Event]) -> WriteReport: ...


class Nowhere:
    """The sink of a validation pass."""

    def write_nodes(self, rows: Sequence[NodeRow]) -> WriteReport:
        return WriteReport()

    def write_edges(self, relation: str, rows: Sequence[EdgeRow]) -> WriteReport:
        return WriteReport()

    def write_events(self, rows: Sequence[Event]) -> WriteReport:
        return WriteReport()


class Batches:
    """Collects rows and writes them in batches; what the store refuses goes to the quarantine."""

    def __init__(self, sink: RowSink, quarantine: Quarantine) -> None:
        self._sink = sink
        self._quarantine = quarantine
        self._nodes: list[tuple[NodeRow, RawRecord, str]] = []
        self._edges: dict[str, list[tuple[EdgeRow, RawRecord, str]]] = {}
        self._events: list[tuple[Event, RawRecord, str]] = []
        self._waiting = 0
        self.nodes = WriteReport()
        self.edges = WriteReport()
        self.events = WriteReport()
        self.seconds = 0.0
        """That went by in the sink."""

    def node(self, row: NodeRow, record: RawRecord, section: str) -> None:
        """Add a node."""
        self._nodes.append((row, record, section))
        self._count()

    def edge(self, row: EdgeRow, record: RawRecord, section: str) -> None:
        """Add an edge."""
        self._edges.setdefault(row.relation, []).append((row, record, section))
        self._count()

    def event(self, row: Event, record: RawRecord, section: str) -> None:
        """Add an event."""
        self._events.append((row, record, section))
        self._count()

    def flush(self) -> None:
        """Write what is waiting: nodes, then edges, then events."""
        sink = self._sink
        if self._nodes:
            self.nodes += self._written(sink.write_nodes, self._nodes)
        for relation, waiting in self._edges.items():
            self.edges += self._written(partial(sink.write_edges, relation), waiting)
        if self._events:
            self.events += self._written(sink.write_events, self._events)
        self._nodes, self._edges, self._events, self._waiting = [], {}, [], 0

    def _count(self) -> None:
        self._waiting += 1
        if self._waiting >= BATCH_ROWS:
            self.flush()

    def _written(
        self, write: Callable[[list[Row]], WriteReport], waiting: Sequence[tuple[Row, RawRecord, str]]
    ) -> WriteReport:
        rows = [row for row, _, _ in waiting]
        started = time.monotonic()
        report = write(rows)
        self.seconds += time.monotonic() - started
        for refusal in report.refused:
            _, record, section = waiting[refusal.row]
            self._quarantine.add(record, section, Reason.REFUSED, refusal.reason)
        return WriteReport(report.new, report.changed, report.same)
