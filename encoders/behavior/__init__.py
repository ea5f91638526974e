"""Encoders that learn from the history matrix alone: simple, strong models for the fusion.

To add one to WhyPath: a module here with its settings class and its block, and the class in `BEHAVIOR`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from encoders.behavior.base import BehaviorBlock, BehaviorSettings, CatalogueTooLarge
from encoders.behavior.ease import EASE, EASESettings
from encoders.behavior.ials import IALS, IALSSettings
from encoders.behavior.item_knn import ItemKNN, ItemKNNSettings
from encoders.behavior.popularity import Popularity, PopularitySettings
from encoders.behavior.rp3beta import RP3Beta, RP3BetaSettings
from encoders.behavior.transitions import Transitions, TransitionsSettings

BEHAVIOR: Mapping[str, type[BehaviorBlock]] = MappingProxyType(
    {block.name: block for block in (Popularity, ItemKNN, EASE, RP3Beta, IALS)}
)
"""Name to class, of blocks that learn from the set of items in each history."""

__all__ = [
    "BEHAVIOR",
    "EASE",
    "IALS",
    "BehaviorBlock",
    "BehaviorSettings",
    "CatalogueTooLarge",
    "EASESettings",
    "IALSSettings",
    "ItemKNN",
    "ItemKNNSettings",
    "Popularity",
    "PopularitySettings",
    "RP3Beta",
    "RP3BetaSettings",
    "Transitions",
    "TransitionsSettings",
]
