"""Shapes of data, each with what an expert would have described: the yardstick for `whypath init`."""

from __future__ import annotations

from tests.corpus import ratings, votes
from tests.corpus.shape import Shape

SHAPES: tuple[Shape, ...] = (*ratings.SHAPES, *votes.SHAPES)
"""All shapes, theme by theme."""
