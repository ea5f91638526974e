"""The contract of `GraphStore`: what every store must do, as tests that a store's own test class inherits.

A store's test module has a class that inherits `GraphStoreContract`, sets `kind` to the store's name in
`kg.stores.STORES`, and gives the fixture `url`: where a store can be made that nothing has been written to.
"""

from __future__ import annotations

import pytest

from kg.exchange.networkx import from_networkx, to_networkx
from kg.exchange.pyg import to_pyg
from kg.exchange.pyg_stores import to_pyg_stores
from kg.opening import open_store
from kg.rows import Event
from kg.stores import GraphStore, StoreEmpty, StoreNotFound
from tests.kg.domain import EVENTS
from tests.kg.stores.contract_base import dangling, expected, load, paths, same
from tests.kg.stores.contract_changes import ChangeContract
from tests.kg.stores.contract_events import EventContract
from tests.kg.stores.contract_loads import LoadContract
from tests.kg.stores.contract_reading import ReadContract
from tests.kg.stores.contract_waiting import WaitingContract

__all__ = ["GraphStoreContract", "dangling", "expected", "load", "paths", "same"]


class GraphStoreContract(LoadContract, ChangeContract, WaitingContract, EventContract, ReadContract):
    """Tests of every store that is loaded into: those here, of loads (`contract_loads`, `contract_changes`,
    `contract_waiting`), of events (`contract_events`) and of reading (`contract_reading`). A view of a graph that
    somebody else owns passes the last two.
    """

    # Opening

    def test_a_store_that_is_not_there_is_not_found(self, url: str) -> None:
        with pytest.raises(StoreNotFound):
            open_store(url)

    def test_an_empty_store_says_so(self, store: GraphStore) -> None:
        assert store.state().generation == 0
        assert store.state().loading is None
        for ask in (store.schema, store.snapshot):
            with pytest.raises(StoreEmpty):
                ask()
        with pytest.raises(StoreEmpty):
            store.append_events(EVENTS)
        with pytest.raises(StoreEmpty):
            store.delete_user("ann")

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
