from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from encoders.behavior import Popularity
from encoders.history_weights import HistoryWeights
from fusion.evaluation import RankingTask
from fusion.ranking import tie_break_keys
from fusion.user_weights import FLOORS, PLACES, Weighed, choose_user_weights
from kg.histories import Histories

N_USERS, N_ITEMS, LENGTH = 80, 60, 12


class Neighbour(Popularity):
    """Scores item j + 1 by the weight of item j in the history."""

    def scores_of(self, weighed: sp.csr_array, candidates: np.ndarray | None = None) -> np.ndarray:
        found = np.roll(weighed.toarray(), 1, axis=1).astype(np.float32)
        return found if candidates is None else found[:, candidates]


def task(target_of: int) -> tuple[Neighbour, RankingTask]:
    """Users whose next item follows the event of this place in their history."""
    rng = np.random.default_rng(1)
    # Even items in the history, so that the odd ones that follow are in none.
    items = np.stack([rng.choice(np.arange(0, N_ITEMS, 2), LENGTH, replace=False) for _ in range(N_USERS)])
    histories = Histories(np.arange(N_USERS + 1) * LENGTH, items.ravel().astype(np.int32), N_ITEMS)
    targets = items[:, target_of] + 1
    ones, offsets = np.ones(N_USERS, np.float32), np.arange(N_USERS + 1)
    ids = [str(number) for number in range(N_ITEMS)]
    test = sp.csr_array((ones, targets, offsets), shape=(N_USERS, N_ITEMS))
    block = Neighbour.learn(histories)
    return block, RankingTask(histories, test, tie_break_keys(ids), [str(user) for user in range(N_USERS)])


def test_the_last_event_counts_where_what_comes_next_follows_it() -> None:
    block, last = task(-1)
    weights = choose_user_weights({"block": block, "popularity": Popularity.learn(last.history)}, last)
    assert weights["block"].places in PLACES
    assert weights["block"].floor in FLOORS
    # The scores of popularity do not depend on the history.
    assert weights["popularity"].is_even


def test_events_count_the_same_where_their_place_says_nothing() -> None:
    block, first = task(0)
    assert choose_user_weights({"block": block}, first)["block"].is_even


def test_a_weighed_block_scores_weighed_histories() -> None:
    block, last = task(-1)
    weights = HistoryWeights(floor=0.0, places=3.0)
    np.testing.assert_array_equal(Weighed(block, weights).scores(last.history), block.scores(weights.of(last.history)))
