"""Stores: the only truth about a domain. `open_store(path_or_url)` is the door, `GraphStore` what stands behind it."""

from kg.stores.errors import (
    SchemaMismatch,
    StoreBusy,
    StoreDamaged,
    StoreEmpty,
    StoreError,
    StoreLoading,
    StoreLocked,
    StoreNotFound,
)
from kg.stores.opening import STORES, StoreKind, UnknownScheme, open_store
from kg.stores.protocol import (
    Appended,
    AppendReport,
    DeletionReport,
    FinishReport,
    GraphStore,
    LoadMark,
    LoadWriter,
    Neighbour,
    Refusal,
    StoreCounts,
    StoreState,
    WriteReport,
)

__all__ = [
    "STORES",
    "AppendReport",
    "Appended",
    "DeletionReport",
    "FinishReport",
    "GraphStore",
    "LoadMark",
    "LoadWriter",
    "Neighbour",
    "Refusal",
    "SchemaMismatch",
    "StoreBusy",
    "StoreCounts",
    "StoreDamaged",
    "StoreEmpty",
    "StoreError",
    "StoreKind",
    "StoreLoading",
    "StoreLocked",
    "StoreNotFound",
    "StoreState",
    "UnknownScheme",
    "WriteReport",
    "open_store",
]
