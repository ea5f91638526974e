"""Shapes of data, each with what an expert would have described: the yardstick for `whypath init`.

All data is made up: `planted.py` has one small world in which a user likes items of a group, and the shapes render it
in many ways. `shape.py` says what is expected of each: which files, columns and roles, and what must come out of a
load. Three answers are told apart for a pair of user and item: it must be positive, it must not be, or either is right
(what nobody could tell from the data, such as three stars of five). `python -m tests.corpus FOLDER` writes all shapes.
"""

from __future__ import annotations

from itertools import chain

from tests.corpus import (
    broken_texts,
    business_graphs,
    containers,
    files,
    films,
    funnels,
    graphs,
    hopeless,
    ids,
    implicit,
    languages,
    layouts,
    linked_tables,
    lists,
    ratings,
    ratings_spelled,
    ratings_unrated,
    rdf,
    sessions,
    shops,
    social,
    splits,
    tables,
    texts,
    times,
    trade_logs,
    trades,
    triples,
    votes,
)
from tests.corpus.shape import Shape

THEMES = (
    ratings,
    ratings_unrated,
    ratings_spelled,
    votes,
    implicit,
    shops,
    funnels,
    sessions,
    splits,
    times,
    ids,
    lists,
    texts,
    broken_texts,
    tables,
    linked_tables,
    layouts,
    containers,
    files,
    social,
    triples,
    rdf,
    languages,
    films,
    trades,
    trade_logs,
    graphs,
    business_graphs,
    hopeless,
)
"""Modules with shapes, one a theme."""

SHAPES: tuple[Shape, ...] = tuple(chain.from_iterable(theme.SHAPES for theme in THEMES))
"""All shapes, theme by theme."""
