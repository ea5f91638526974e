"""Encoders of the facts of items: a graph neural network, and shared entities with learned weights."""

from __future__ import annotations

from encoders.graph.fact_ease import FactEASE, FactEASESettings
from encoders.graph.facts import FactGraph
from encoders.graph.gnn_block import GNN
from encoders.graph.settings import GNNSettings, SharedSettings
from encoders.graph.shared import SharedEntities

__all__ = ["GNN", "FactEASE", "FactEASESettings", "FactGraph", "GNNSettings", "SharedEntities", "SharedSettings"]
