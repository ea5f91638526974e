"""Paths: bounded search between nodes over a snapshot's arrays, with relation patterns, shortest first.

Start with `PathSearch(graph).between(source, target)`. Scores play no part here.
"""

from kg.paths.adjacency import Adjacency, adjacency
from kg.paths.listing import list_paths
from kg.paths.path import FoundPaths, Path, PathEdge, PathNode
from kg.paths.patterns import ImpossiblePattern
from kg.paths.search import LONGEST, PathSearch, check_length

__all__ = [
    "LONGEST",
    "Adjacency",
    "FoundPaths",
    "ImpossiblePattern",
    "Path",
    "PathEdge",
    "PathNode",
    "PathSearch",
    "adjacency",
    "check_length",
    "list_paths",
]
