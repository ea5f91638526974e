"""The contract of stores, and the small domain that they are filled with."""

from whypath.testing.stores.contract import GraphStoreContract
from whypath.testing.stores.events import EventContract
from whypath.testing.stores.reading import ReadContract

__all__ = ["EventContract", "GraphStoreContract", "ReadContract"]
