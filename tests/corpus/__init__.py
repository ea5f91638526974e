"""Shapes of data, each with what an expert would have described: the yardstick for `whypath init`."""

from __future__ import annotations

from itertools import chain

from tests.corpus import (
    broken_texts,
    business_graphs,
    containers,
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
