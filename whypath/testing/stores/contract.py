"""The contract of `GraphStore`: what every store must do, as tests that a store's own test class inherits."""

from __future__ import annotations

import pytest

from kg.opening import open_store
from kg.stores import GraphStore, StoreEmpty, StoreNotFound
from whypath.testing.stores.changes import ChangeContract
from whypath.testing.stores.domain import EVENTS
from whypath.testing.stores.events import EventContract
from whypath.testing.stores.loads import LoadContract
from whypath.testing.stores.reading import ReadContract
from whypath.testing.stores.waiting import WaitingContract


class GraphStoreContract(LoadContract, ChangeContract, WaitingContract, EventContract, ReadContract):
    """Tests of every store that is loaded into. A subclass sets `kind` to the store's name, and gives the fixture
    `url`: a new address for each test, where `open_store(url, create=True)` makes a store.

    A store whose content is not loaded, such as a view of an external graph, is put to `EventContract` and
    `ReadContract` only, and overrides `fill`.
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
