"""Synthetic domains of any size, with power-law degrees and preferences planted through entities.

`generate` makes a small domain in memory, for tests; `write` streams one of tens of millions of rows to tables and a
`domain.yaml`. Both draw the same numbers: equal settings give the same domain.
"""

from kg.datasets.synthetic.generation import EventChunk, FactChunk, Preferences, Recipe
from kg.datasets.synthetic.memory import SyntheticDomain, generate
from kg.datasets.synthetic.settings import SyntheticSettings
from kg.datasets.synthetic.writing import SyntheticReport, write

__all__ = [
    "EventChunk",
    "FactChunk",
    "Preferences",
    "Recipe",
    "SyntheticDomain",
    "SyntheticReport",
    "SyntheticSettings",
    "generate",
    "write",
]
