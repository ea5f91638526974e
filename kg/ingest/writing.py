"""Write checked rows to the store in batches, nodes before the edges and events that need them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeVar

from kg.checking.quarantine import Quarantine
from kg.rows import EdgeRow, Event, NodeRow, RowLinks
from kg.sources import RawRecord, Reason
from kg.stores import WriteReport

Row = TypeVar("Row")

BATCH_ROWS = 10_000
"""Rows per transaction: enough to make its fsync negligible, few enough for memory."""

WAITING_EDGES = 20_000
"""Waiting rows of all relations together; at this number the relation with the most rows is written."""


class RowSink(Protocol):
    """Where rows go: a store's `LoadWriter`, or nowhere in a validation pass."""

    def write_nodes(self, rows: Sequence[NodeRow]) -> WriteReport: ...

    def write_edges(self, relation: str, rows: Sequence[EdgeRow]) -> WriteReport: ...

    def write_links(self, relation: str, rows: Sequence[RowLinks]) -> WriteReport: ...

    def write_events(self, rows: Sequence[Event]) -> WriteReport: ...


class Nowhere:
    """The sink of a validation pass, to which every row is new."""

    def write_nodes(self, rows: Sequence[NodeRow]) -> WriteReport:
        return WriteReport(len(rows))

    def write_edges(self, relation: str, rows: Sequence[EdgeRow]) -> WriteReport:
        return WriteReport(len(rows))

    def write_links(self, relation: str, rows: Sequence[RowLinks]) -> WriteReport:
        return WriteReport(sum(len(row.tails) for row in rows))

    def write_events(self, rows: Sequence[Event]) -> WriteReport:
        return WriteReport(len(rows))


class Batches:
    """Collects rows and writes them in batches; what the store refuses goes to the quarantine.

    Edges and links wait until their relation fills a batch: a row of a table of films has ten relations, and ten small
    transactions take a server several times as long as one with as many rows.
    """

    def __init__(self, sink: RowSink, quarantine: Quarantine) -> None:
        self._sink = sink
        self._quarantine = quarantine
        self._nodes: list[tuple[NodeRow, RawRecord, str]] = []
        self._edges: dict[str, list[tuple[EdgeRow, RawRecord, str]]] = {}
        self._links: dict[str, list[tuple[RowLinks, RawRecord, str]]] = {}
        self._waiting: Counter[str] = Counter()
        self._events: list[tuple[Event, RawRecord, str]] = []
        self._waiting_edges = 0
        self.nodes = WriteReport()
        self.edges = WriteReport()
        self.events = WriteReport()
        self.seconds = 0.0
        """Seconds spent in the sink."""

    def node(self, row: NodeRow, record: RawRecord, section: str) -> None:
        """Add a node."""
        self._nodes.append((row, record, section))
        if len(self._nodes) >= BATCH_ROWS:
            self._write_nodes()

    def edge(self, row: EdgeRow, record: RawRecord, section: str) -> None:
        """Add an edge."""
        waiting = self._edges.setdefault(row.relation, [])
        waiting.append((row, record, section))
        self._waiting_edges += 1
        if len(waiting) >= BATCH_ROWS:
            self._write_edges(row.relation)
        elif self._waiting_edges >= WAITING_EDGES:
            self._write_edges(max(self._edges, key=lambda relation: len(self._edges[relation])))

    def links(self, relation: str, row: RowLinks, record: RawRecord, section: str) -> None:
        """Add all edges that a row gives for a relation."""
        self._links.setdefault(relation, []).append((row, record, section))
        self._waiting[relation] += max(1, len(row.tails))
        if self._waiting[relation] >= BATCH_ROWS:
            self._write_links(relation)
        elif self._waiting.total() >= WAITING_EDGES:
            self._write_links(self._waiting.most_common(1)[0][0])

    def event(self, row: Event, record: RawRecord, section: str) -> None:
        """Add an event."""
        self._events.append((row, record, section))
        if len(self._events) >= BATCH_ROWS:
            self._write_events()

    def flush(self) -> None:
        """Write all waiting rows: nodes, then links and edges, then events."""
        self._write_nodes()
        for relation in list(self._links):
            self._write_links(relation)
        for relation in list(self._edges):
            self._write_edges(relation)
        self._write_events()

    def _write_nodes(self) -> None:
        waiting, self._nodes = self._nodes, []
        if waiting:
            self.nodes += self._written(self._sink.write_nodes, waiting)

    def _write_edges(self, relation: str) -> None:
        self._write_nodes()  # which the edges may need
        waiting = self._edges.pop(relation)
        self._waiting_edges -= len(waiting)
        self.edges += self._written(partial(self._sink.write_edges, relation), waiting)

    def _write_links(self, relation: str) -> None:
        self._write_nodes()
        waiting = self._links.pop(relation)
        del self._waiting[relation]
        self.edges += self._written(partial(self._sink.write_links, relation), waiting)

    def _write_events(self) -> None:
        self._write_nodes()
        waiting, self._events = self._events, []
        if waiting:
            self.events += self._written(self._sink.write_events, waiting)

    def _written(
        self, write: Callable[[list[Row]], WriteReport], waiting: Sequence[tuple[Row, RawRecord, str]]
    ) -> WriteReport:
        rows = [row for row, _, _ in waiting]
        started = time.monotonic()
        report = write(rows)
        self.seconds += time.monotonic() - started
        for refusal in report.refused:
            _, record, section = waiting[refusal.row]
            self._quarantine.marks.refuse(record.position)
            self._quarantine.add(record, section, Reason.REFUSED, refusal.reason)
        return replace(report, refused=())
