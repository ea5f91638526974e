"""What all parts of the store contract use: loading rows, the snapshot that they must give, a store opened twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from kg.graph import KnowledgeGraph
from kg.opening import open_store
from kg.paths import FoundPaths, list_paths
from kg.rows import EdgeRow, Event, NodeRow
from kg.schema import DomainSchema
from kg.stores import CountsDangling, FindsPaths, FinishReport, GraphStore, WriteReport
from whypath.testing.stores.domain import EDGES, EVENTS, NODES, films_schema


def load(
    store: GraphStore,
    *,
    nodes: Sequence[NodeRow] = NODES,
    edges: Sequence[EdgeRow] = EDGES,
    events: Sequence[Event] = EVENTS,
    replace: bool = False,
    schema: DomainSchema | None = None,
) -> FinishReport:
    """Load rows completely, all in one batch of each sort; nothing may be refused."""
    with store.begin_load(schema or films_schema(), replace=replace, source_digest="digest") as writer:
        reports = [writer.write_nodes(nodes)]
        for relation in sorted({edge.relation for edge in edges}):
            reports.append(writer.write_edges(relation, [edge for edge in edges if edge.relation == relation]))
        reports.append(writer.write_events(events))
        assert sum(reports, WriteReport()).refused == ()
        return writer.finish()


def same(graph: KnowledgeGraph, other: KnowledgeGraph) -> bool:
    """Whether two snapshots have the same content, facts and events."""
    return (graph.digest, graph.events_digest) == (other.digest, other.events_digest)


def expected(
    nodes: Sequence[NodeRow] = NODES, edges: Sequence[EdgeRow] = EDGES, events: Sequence[Event] = EVENTS
) -> KnowledgeGraph:
    """The snapshot that a store of these rows must give."""
    return KnowledgeGraph.from_rows(films_schema(), nodes, edges, events)


def paths(store: GraphStore, start: tuple[str, str], end: tuple[str, str], **bounds: Any) -> FoundPaths:
    """What joins two nodes: found by the store's server where it can, else in the snapshot."""
    if isinstance(store, FindsPaths):
        return store.paths(start, end, **bounds)
    return list_paths(store.snapshot(), start, end, **bounds)


def read_whole(store: GraphStore) -> KnowledgeGraph:
    """The content as the store itself has it, not a snapshot that it has kept, where it has such a reading."""
    return getattr(store, "read_complete", store.snapshot)()


def dangling(store: GraphStore) -> int:
    """Edges and events with an end missing, in the store itself; StoreDamaged where it refuses to be read with them."""
    if isinstance(store, CountsDangling):
        return store.dangling()
    read_whole(store)
    return 0


class StoreFixtures:
    """A store under test; a store's own test class sets `kind` and gives `url`."""

    kind: str
    """The store's name, as in `kg.opening.STORES` or of its entry point."""

    def fill(
        self,
        store: GraphStore,
        *,
        nodes: Sequence[NodeRow] = NODES,
        edges: Sequence[EdgeRow] = EDGES,
        events: Sequence[Event] = EVENTS,
    ) -> None:
        """Bring content into the store under test: by a load, unless the graph is external."""
        load(store, nodes=nodes, edges=edges, events=events)

    @pytest.fixture
    def url(self) -> str:
        """A fixture that a store's test class gives: an address where nothing is yet."""
        raise AssertionError("a store's test class gives the fixture `url`")

    @pytest.fixture
    def store(self, url: str) -> Iterator[GraphStore]:
        """The store under test, empty."""
        store = open_store(url, create=True)
        yield store
        store.close()

    @pytest.fixture
    def other(self, store: GraphStore) -> Iterator[GraphStore]:
        """The same store, opened again as another process would."""
        other = open_store(store.url)
        yield other
        other.close()
