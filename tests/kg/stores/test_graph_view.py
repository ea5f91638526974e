"""A graph that somebody else owns as a store: the parts of the contract that do not load, and equality with a load."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from kg.graph_view import GraphView
from kg.opening import open_store
from kg.rows import EdgeRow, Event, NodeRow
from kg.stores import GraphStore, StoreError
from tests.kg.graph_view_content import write_content, write_description
from tests.neo4j_server import Server
from whypath.testing import EventContract, ReadContract
from whypath.testing.stores.base import load
from whypath.testing.stores.domain import EDGES, EVENTS, NODES


class TestGraphView(EventContract, ReadContract):
    kind = "graph view"
    removed = (1, 0)
    server: Server

    @pytest.fixture
    def url(self, empty_neo4j: Server, tmp_path: Path) -> str:
        self.server = empty_neo4j
        return str(write_description(tmp_path, empty_neo4j.uri))

    def fill(
        self,
        store: GraphStore,
        *,
        nodes: Sequence[NodeRow] = NODES,
        edges: Sequence[EdgeRow] = EDGES,
        events: Sequence[Event] = EVENTS,
    ) -> None:
        write_content(self.server, nodes, edges, events)
        assert isinstance(store, GraphView)
        report = store.read_again()
        assert report.bad == {}

    def test_nothing_is_loaded_into_it(self, store: GraphStore) -> None:
        self.fill(store)
        with pytest.raises(StoreError, match="an external graph"):
            load(store)

    def test_arrays_are_byte_identical_to_the_embedded_stores(self, store: GraphStore, tmp_path: Path) -> None:
        self.fill(store)
        embedded = open_store(tmp_path / "embedded", create=True)
        load(embedded)
        event = Event.of("ann", "10", "film", "view", time=1e9 + 0.1, weight=0.1)
        files = []
        for name, each in (("view", store), ("embedded", embedded)):
            assert each.append_events([event]).written == 1
            folder = each.snapshot().save(tmp_path / "arrays" / name)
            files.append({path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".json"})
        assert files[0] == files[1]
        assert len(files[0]) >= 5
        embedded.close()
