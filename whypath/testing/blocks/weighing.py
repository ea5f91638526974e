"""The contract of `Block` for weighed histories: values of events, dislikes, and the exact split of both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from encoders.block import Block, Catalogue, TrainingData
from encoders.history_weights import HistoryWeights
from kg.histories import Histories
from whypath.testing.blocks.domain import N_ITEMS

TOLERANCE = 2e-5
"""Relative to the largest score: sums of some dozen float32 products in another order."""


class WeighingContract(ABC):
    """Tests of every block; `BlockContract` has the fixtures."""

    @classmethod
    @abstractmethod
    def fit(cls, data: TrainingData) -> Block:
        """A fitted block, bound to the data's catalogue."""

    def test_events_count_as_much_as_their_values(self, block: Block, given: Histories) -> None:
        """Shares add up to the score, also for events that count against their items; equal values are the default."""
        values = np.random.default_rng(5).uniform(-1, 2, given.n_events).astype(np.float32)
        weighed = given.weighed(values)
        scores = block.scores(weighed)
        assert np.isfinite(scores).all()
        for user in range(0, len(given), 7):
            history = weighed.take(slice(user, user + 1))
            for item in (0, 4, N_ITEMS - 1):
                shares = block.shares(history, item)
                assert abs(float(shares.sum()) - float(scores[user, item])) <= TOLERANCE * np.abs(scores).max()
        ones = given.weighed(np.ones(given.n_events, np.float32))
        np.testing.assert_array_equal(block.scores(ones), block.scores(given))

    def test_dislikes_count_against_items_and_are_split(self, block: Block, given: Histories, over: Catalogue) -> None:
        """They change no fit; shares, of likes and dislikes, add up to the score, also without any like."""
        disliking = with_dislikes(given)
        np.testing.assert_array_equal(self.fit(TrainingData(disliking, over)).scores(given), block.scores(given))
        assert_close(block.scores(disliking.weighed(None)), block.scores(given))
        only = disliking.keep(np.zeros(given.n_events, dtype=bool))
        small, large = (
            HistoryWeights(dislike=0.4),
            HistoryWeights(kinds={"watched": 0.5}, dislikes={"watched": 3.0, "bought": 0.0}),
        )
        for weighed in (small.of(disliking), small.of(only), large.of(disliking), large.of(only)):
            scores = block.scores(weighed)
            assert np.isfinite(scores).all()
            for user in range(0, len(given), 7):
                history = weighed.take(slice(user, user + 1))
                for item in (0, 4, N_ITEMS - 1):
                    shares = block.shares(history, item)
                    assert shares.shape == (history.known().nnz,)
                    if len(shares):
                        off = abs(float(shares.sum()) - float(scores[user, item]))
                        assert off <= TOLERANCE * max(float(np.abs(scores).max()), 1e-3)


def with_dislikes(given: Histories) -> Histories:
    """The same histories with likes and dislikes of two kinds; each user dislikes up to three items, one also liked."""
    rng = np.random.default_rng(13)
    counts = rng.integers(0, 4, len(given))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    items = rng.integers(0, given.n_items, offsets[-1]).astype(np.int32)
    kinds = rng.integers(-1, 2, len(items)).astype(np.int16)
    names = ("watched", "bought")
    dislikes = Histories(offsets, items, given.n_items, kinds=kinds, kind_names=names, is_ordered=False)
    of_likes = rng.integers(-1, 2, given.n_events).astype(np.int16)
    return replace(given, kinds=of_likes, kind_names=names, dislikes=dislikes)


def assert_close(found: NDArray[np.float32], expected: NDArray[np.float32]) -> None:
    """Equal up to float32 sums in another order."""
    assert found.shape == expected.shape
    np.testing.assert_allclose(
        found, expected, rtol=0, atol=TOLERANCE * max(1e-6, float(np.abs(expected).max(initial=0)))
    )
