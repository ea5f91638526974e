"""`read_graph`: read an external graph in one transaction into a snapshot, as every store gives.

Nothing is written. Pages start from the server's own numbers of nodes, so keys need no index, and nodes without a key
can be reported. The transaction stays open to the end, since meanwhile the server gives no number again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from neo4j import ManagedTransaction

from kg.checking.progress import Progress, SectionReport
from kg.checking.quarantine import BadRow, Quarantine
from kg.graph import KnowledgeGraph
from kg.graph.building import node_table
from kg.graph_view.edges import EdgeCollector, read_links, read_relation
from kg.graph_view.elements import Elements
from kg.graph_view.events import EventReader
from kg.graph_view.nodes import NodeReader
from kg.graph_view.session import ReadSession
from kg.schema import DomainSchema, unused_by_models
from kg.sources import Reason
from kg.stores.neo4j.connection import Connection

READ_SECONDS = 6 * 3600.0
"""Seconds after which the server stops a read."""


@dataclass(frozen=True)
class ReadReport:
    """The report of a read. `sections` count elements and bad entries; `notes` are sentences for the user.

    `changed` tells whether the content differs from that of the read before; `generation` is the store's after it.
    """

    nodes: int
    edges: int
    events: int
    sections: tuple[SectionReport, ...]
    bad: Mapping[Reason, int]
    first_bad: tuple[BadRow, ...]
    quarantine: Path | None
    repeated: int
    dangling: int
    notes: tuple[str, ...]
    seconds: float
    generation: int = 0
    changed: bool = True

    def to_json(self) -> dict[str, object]:
        """The report as plain data."""
        return {
            "generation": self.generation,
            "changed": self.changed,
            "nodes": self.nodes,
            "edges": self.edges,
            "events": self.events,
            "bad": {str(reason): count for reason, count in self.bad.items()},
            "quarantine": str(self.quarantine) if self.quarantine is not None else None,
            "repeated": self.repeated,
            "warnings": list(self.notes),
            "seconds": round(self.seconds, 3),
        }

    def __str__(self) -> str:
        news = "its content is new" if self.changed else "nothing has changed since the last read"
        lines = [f"read in {self.seconds:.1f} s (generation {self.generation}); {news}, and nothing was written to it"]
        for name, count in (("nodes", self.nodes), ("relations", self.edges), ("events", self.events)):
            lines.append(f"  {name:<10}{count:>11,}")
        if self.repeated:
            lines.append(f"  {self.repeated:,} elements repeated another")
        bad = sum(self.bad.values())
        if bad:
            where = f", see {self.quarantine}" if self.quarantine else ""
            lines.append(f"  {bad:,} bad values or elements were left out{where}")
            lines += [f"    {count:>9,} {reason}" for reason, count in sorted(self.bad.items(), key=lambda c: -c[1])]
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)


def read_graph(
    connection: Connection, schema: DomainSchema, quarantine: Path | None, progress: Progress | None = None
) -> tuple[KnowledgeGraph, ReadReport]:
    """Read all elements that a domain description names; bad ones go to the quarantine file."""

    def read(transaction: ManagedTransaction) -> tuple[KnowledgeGraph, ReadReport]:
        started = time.monotonic()
        with Quarantine(quarantine) as bad, ReadSession(transaction, schema, bad, progress) as session:
            graph = _graph(session)
            counts = bad.by_section
            names = dict.fromkeys([*session.rows, *counts])
            report = ReadReport(
                nodes=graph.n_nodes,
                edges=sum(len(relation) for relation in graph.relations),
                events=sum(len(table) for table in graph.events),
                sections=tuple(SectionReport(name, session.rows[name], counts[name]) for name in names),
                bad=dict(bad.counts),
                first_bad=tuple(bad.first),
                quarantine=bad.publish(),
                repeated=session.repeated,
                dangling=session.dangling,
                notes=(*session.notes, *unused_by_models(schema)),
                seconds=time.monotonic() - started,
            )
            return graph, report

    return connection.read(read, READ_SECONDS)


def _graph(session: ReadSession) -> KnowledgeGraph:
    schema = session.schema
    elements = Elements(schema.nodes)
    nodes = NodeReader(session, elements)
    tables = {kind: nodes.read(kind) for kind, node in schema.nodes.items() if node.labels}
    edges = EdgeCollector()
    tables = read_links(session, nodes, tables, edges)
    for name, relation in schema.relations.items():
        read_relation(session, elements, name, relation, edges)
    for kind in schema.nodes:
        tables.setdefault(kind, node_table(schema, kind, [], [], [], []))
    events = EventReader(session, elements, tables)
    columns = {
        kind: events.read(kind)
        for kind, interaction in schema.interactions.items()
        if interaction.relationship is not None or interaction.path is not None
    }
    if schema.graph is not None and schema.graph.write:
        columns = events.read_own(columns)
    return KnowledgeGraph.build(schema, tables, edges.joined(), columns)
