"""`KeptStore`: a store whose server is away, with this machine's copy of it."""

from __future__ import annotations

from dataclasses import dataclass

from kg.graph import KnowledgeGraph
from kg.stores.protocol import GraphStore


@dataclass(frozen=True)
class KeptStore:
    """A store whose server is away, with the last snapshot that this machine has of it.

    `since`, in seconds since the epoch, is when the snapshot was written. The store works when its server is back.
    """

    store: GraphStore
    graph: KnowledgeGraph
    since: float
