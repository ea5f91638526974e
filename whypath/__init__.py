"""WhyPath: knowledge-graph recommendations that show the graph paths behind them.

`Engine` is the API for Python, `whypath` the command for the shell. Names are imported when they are first used, so
that the command line starts quickly.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str
    from whypath.answering.conditions import Where, where
    from whypath.answering.filters import Filters
    from whypath.answering.query import Query
    from whypath.answering.results import Explanation, RankedItem, Recommendations, SimilarItems
    from whypath.engine import Engine

# OpenMP reads it when it starts with torch, so it must be set before. Its threads otherwise spin while they wait for
# each other, which on a busy machine makes training the graph network several times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_HOMES = {
    "Engine": "whypath.engine",
    "Explanation": "whypath.answering.results",
    "Filters": "whypath.answering.filters",
    "Query": "whypath.answering.query",
    "RankedItem": "whypath.answering.results",
    "Recommendations": "whypath.answering.results",
    "SimilarItems": "whypath.answering.results",
    "Where": "whypath.answering.conditions",
    "where": "whypath.answering.conditions",
}

__all__ = [
    "Engine",
    "Explanation",
    "Filters",
    "Query",
    "RankedItem",
    "Recommendations",
    "SimilarItems",
    "Where",
    "where",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        return _version()
    if name not in _HOMES:
        raise AttributeError(f"module 'whypath' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("whypath")
    except PackageNotFoundError:
        return "0+checkout"  # run from a checkout that is not installed
