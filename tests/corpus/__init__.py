"""Shapes of data, each with what an expert would have described: the yardstick for `whypath init`."""

from __future__ import annotations

from itertools import chain

from tests.corpus import (
    funnels,
    ids,
    implicit,
    layouts,
    lists,
    ratings,
    ratings_unrated,
    sessions,
    shops,
    tables,
    texts,
    times,
    votes,
)
from tests.corpus.shape import Shape

THEMES = (
    ratings,
    ratings_unrated,
    votes,
    implicit,
    shops,
    funnels,
    sessions,
    times,
    ids,
    lists,
    texts,
    tables,
    layouts,
)
"""Modules with shapes, one a theme."""

SHAPES: tuple[Shape, ...] = tuple(chain.from_iterable(theme.SHAPES for theme in THEMES))
"""All shapes, theme by theme."""
