"""`KnowledgeGraph`: an immutable snapshot of a domain over dense ids, with its tables, files and twins.

`KnowledgeGraph.from_rows` builds one from rows, `kg.graph.building.build` from columns, a store's `snapshot()` from a
store. Independent of stores and models.
"""

from kg.graph.changes import FactChanges
from kg.graph.columns import FieldColumn
from kg.graph.contents import item_contents
from kg.graph.facts import ItemFacts
from kg.graph.files import SnapshotUnreadable
from kg.graph.items import UnknownItem
from kg.graph.neighbours import Neighbours, neighbours
from kg.graph.snapshot import KnowledgeGraph, UnknownNode
from kg.graph.statistics import GraphStatistics, graph_statistics
from kg.graph.strings import Strings
from kg.graph.tables import Csr, InteractionTable, NodeTable, RelationTable
from kg.schema import Role

__all__ = [
    "Csr",
    "FactChanges",
    "FieldColumn",
    "GraphStatistics",
    "InteractionTable",
    "ItemFacts",
    "KnowledgeGraph",
    "Neighbours",
    "NodeTable",
    "RelationTable",
    "Role",
    "SnapshotUnreadable",
    "Strings",
    "UnknownItem",
    "UnknownNode",
    "graph_statistics",
    "item_contents",
    "neighbours",
]
