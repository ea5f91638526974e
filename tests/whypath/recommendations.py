"""Answers as they are given, made of ids and scores."""

from __future__ import annotations

from collections.abc import Sequence

from whypath import RankedItem, Recommendations
from whypath.answering.results import Basis


def listed(user: str, items: Sequence[str], scores: Sequence[float] | None = None) -> Recommendations:
    """A user's list of these items, in this order; each scores .5 where nothing else is given."""
    pairs = zip(items, scores or [0.5] * len(items), strict=True)
    ranked = tuple(RankedItem(rank, item, item, "film", score) for rank, (item, score) in enumerate(pairs, start=1))
    return Recommendations(user, Basis.HISTORY, 1, ranked)
