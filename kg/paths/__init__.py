"""Paths: bounded search between nodes over a snapshot's arrays, with relation patterns, shortest first.

Start with `PathSearch(graph).between(source, target)`. Scores play no part here.
"""

from kg.paths.adjacency import Adjacency, StepKind, adjacency
from kg.paths.listing import list_paths
from kg.paths.path import FoundPaths, Path, PathEdge, PathNode
from kg.paths.patterns import ANY, ImpossiblePattern
from kg.paths.search import LISTING_WORK, LONGEST, PathSearch, check_length
from kg.paths.shared import SharedEnds

__all__ = [
    "ANY",
    "LISTING_WORK",
    "LONGEST",
    "Adjacency",
    "FoundPaths",
    "ImpossiblePattern",
    "Path",
    "PathEdge",
    "PathNode",
    "PathSearch",
    "SharedEnds",
    "StepKind",
    "adjacency",
    "check_length",
    "list_paths",
]
