"""What WhyPath's own stores do besides the contract: they note a bounded number of changes, and cache snapshots."""

from __future__ import annotations

import pytest

from kg.exchange.networkx import from_networkx, to_networkx
from kg.exchange.pyg import to_pyg
from kg.exchange.pyg_stores import to_pyg_stores
from kg.rows import Event, NodeRow
from kg.stores import GraphStore
from whypath.testing.stores.base import StoreFixtures, load, same
from whypath.testing.stores.changes import FILM, changes
from whypath.testing.stores.domain import EVENTS, NODES


class CachedSnapshotsContract(StoreFixtures):
    """Of stores that note changes as `kg.stores.changes` says and keep their snapshots in `kg.stores.snapshots`."""

    def test_what_is_not_known_is_read(self, store: GraphStore, monkeypatch: pytest.MonkeyPatch) -> None:
        load(store)
        load(store, events=[*EVENTS, Event.of("ann", "1", "film", "view", time=77.0)])
        monkeypatch.setattr("kg.stores.changes.MOST_OF_ONE", 1)
        load(store, nodes=[*NODES, FILM, NodeRow("film", "13", "Another")])
        assert store.facts_since(2) is None
        load(store, nodes=[*NODES, NodeRow("film", "14", "One more")])
        assert len(changes(store, 3)) == 1
        monkeypatch.setattr("kg.stores.changes.KEPT_GENERATIONS", 2)
        for number in range(15, 18):
            load(store, nodes=[*NODES, NodeRow("film", str(number), "More")])
        assert store.facts_since(4) is None
        assert len(changes(store, 5)) == 2
        assert len(store.snapshot().nodes("film")) == len([n for n in NODES if n.kind == "film"]) + 6

    def test_a_deletion_is_made_in_a_snapshot_that_has_followed(self, store: GraphStore) -> None:
        load(store)
        store.snapshot()
        load(store, nodes=[*NODES, FILM])
        assert store.delete_user("ann").snapshots == 1
        assert store.snapshot().nodes("viewer").keys.find("ann") < 0
        assert store.snapshot().nodes("film").keys.find("12") >= 0

    # Other libraries

    def test_a_snapshot_goes_to_networkx_and_back(self, store: GraphStore) -> None:
        load(store)
        store.append_events([Event.of("new", "1", "film", "view", time=0.1, weight=0.1)])
        graph = store.snapshot()
        assert same(from_networkx(to_networkx(graph, complete=True)), graph)

    def test_a_snapshot_says_the_same_in_both_forms_of_pyg(self, store: GraphStore) -> None:
        load(store)
        graph = store.snapshot()
        data, (features, edges) = to_pyg(graph), to_pyg_stores(graph)
        for kind in graph.kinds:
            assert features.get_tensor(kind, "node_id", None).tolist() == data[kind].node_id.tolist()
        rows, columns, _ = edges.coo()
        assert set(rows) == set(data.edge_types)
        for edge_type in rows:
            assert [rows[edge_type].tolist(), columns[edge_type].tolist()] == data[edge_type].edge_index.tolist()
