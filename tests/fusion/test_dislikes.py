"""What dislikes do to a model: a planted domain in which they tell what likes do not, and what folds know of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from encoders.history_weights import HistoryWeights
from fusion.evaluation import RankingTask, evaluate
from fusion.fold_dislikes import with_dislikes
from fusion.folds import folds_of
from fusion.model import FusionModel
from fusion.protocol import Protocol
from fusion.ranking import tie_break_keys
from fusion.settings import CrossFitSettings, FusionSettings
from fusion.training import Fitting
from fusion.user_weights import DISLIKES, can_weigh, choose_user_weights
from kg.graph import KnowledgeGraph
from kg.histories import Histories
from kg.interactions import Interactions
from kg.rows import NodeRow
from kg.schema import DomainSchema
from tests.fusion.small import SMALL, with_blocks

THEMES, COMMON, SIDE = 6, 4, 8
"""Each theme has items that all its users like, and items of two sides: who likes one side dislikes the other."""

SIZE = COMMON + 2 * SIDE
SCHEMA = DomainSchema.from_mapping(
    {
        "nodes": {"item": {"role": "item"}, "user": {"role": "user"}},
        "interactions": {"rating": {"positive": {"min_weight": 4}, "negative": {"max_weight": 2}}},
    }
)
GRAPH = KnowledgeGraph.from_rows(SCHEMA, [NodeRow("item", f"i{n:03d}", f"Item {n}") for n in range(THEMES * SIZE)])
BOTH = with_blocks("ease", "itemknn")


def moved_in_time(events: Interactions, rng: np.random.Generator) -> Interactions:
    """The events with their times permuted."""
    assert events.times is not None
    return replace(events, times=rng.permutation(events.times))


class Planted:
    """Users of whom most are known by the items of their side too, and a third by the common items alone."""

    def __init__(self, users: int = 360, seed: int = 1) -> None:
        rng = np.random.default_rng(seed)
        likes, dislikes, tests = [], [], []
        for user in range(users):
            first, side = user // 3 % THEMES * SIZE, rng.integers(2)
            common = first + rng.choice(COMMON, 3, replace=False)
            sides = first + COMMON + np.arange(2 * SIDE).reshape(2, SIDE)
            own, other = rng.permutation(sides[side]), rng.permutation(sides[1 - side])
            is_known = user % 3 > 0
            likes += [(user, item) for item in (*common, *(own[:5] if is_known else ()))]
            dislikes += [(user, item) for item in other[:3]]
            tests += [] if is_known else [(user, item) for item in own[:3]]
        self.users = [f"u{user}" for user in range(users)]
        self.likes, self.dislikes, self.tests = map(self._table, (likes, dislikes, tests))

    def _table(self, pairs: list[tuple[int, int]]) -> Interactions:
        users, items = np.array(pairs).T
        times = np.random.default_rng(len(pairs)).permutation(len(pairs)).astype(np.float64)
        return Interactions(
            users.astype(np.int32), items.astype(np.int32), self.users, GRAPH.n_items, None, times,
            np.zeros(len(pairs), np.int16), ("rating",),
        )  # fmt: skip

    def model(self, settings: FusionSettings, *, dislikes: bool, moved: int | None = None) -> FusionModel:
        """moved: the seed of a permutation of all times."""
        tables = [self.likes, self.dislikes]
        if moved is not None:
            rng = np.random.default_rng(moved)
            tables = [moved_in_time(table, rng) for table in tables]
        likes, against = tables
        return Fitting(GRAPH, likes, asked=settings, seed=1, dislikes=against if dislikes else None).model()

    def task(self, *, dislikes: bool) -> RankingTask:
        likes = self.likes.histories()
        if dislikes:
            likes = replace(likes, dislikes=self.dislikes.histories())
        excluded = sp.csr_array(self.likes.matrix() + self.dislikes.matrix())
        keys = tie_break_keys(list(GRAPH.item_ids))
        return RankingTask(likes, self.tests.matrix(), keys, self.users, exclude=excluded)


PLANTED = Planted()


@pytest.mark.parametrize("protocol", ["random", "next"])
def test_dislikes_tell_what_likes_do_not(protocol: str) -> None:
    settings = BOTH.model_copy(update={"protocol": protocol})
    with_them, without = (PLANTED.model(settings, dislikes=known).bind(GRAPH) for known in (True, False))
    found = evaluate(with_them, PLANTED.task(dislikes=True), name="with", ks=(10,))
    gain = found.against(evaluate(without, PLANTED.task(dislikes=False), name="without", ks=(10,)), "ndcg@10")
    assert gain.mean > 0.03
    assert gain.p_value < 0.001


def test_random_reads_no_time_of_dislikes() -> None:
    settings = BOTH.model_copy(update={"protocol": "random"})
    model, moved = (PLANTED.model(settings, dislikes=True, moved=seed) for seed in (None, 5))
    assert model.weights == moved.weights
    assert all(weights.floor == 1 and weights.age == 0 for weights in model.weights.values())
    histories = PLANTED.task(dislikes=True).history
    later = moved_in_time(PLANTED.dislikes, np.random.default_rng(3))
    scores = model.bind(GRAPH).scores(histories)
    np.testing.assert_array_equal(scores, moved.bind(GRAPH).scores(replace(histories, dislikes=later.histories())))


def test_a_model_without_dislikes_is_that_of_a_domain_without() -> None:
    none = PLANTED.dislikes.take(np.zeros(0, np.intp))
    for protocol in ("random", "next"):
        asked = BOTH.model_copy(update={"protocol": protocol})
        empty = Fitting(GRAPH, PLANTED.likes, asked=asked, seed=1, dislikes=none).model()
        without = PLANTED.model(asked, dislikes=False)
        assert empty.weights == without.weights
        likes = PLANTED.likes.histories()
        np.testing.assert_array_equal(empty.bind(GRAPH).scores(likes), without.bind(GRAPH).scores(likes))


@pytest.mark.parametrize("protocol", list(Protocol))
def test_splits_with_dislikes_are_exact(protocol: Protocol) -> None:
    asked = with_blocks("ease", "ials", "rp3beta").model_copy(update={"protocol": protocol.value})
    ranker = PLANTED.model(asked, dislikes=True).bind(GRAPH)
    histories = PLANTED.task(dislikes=True).history
    only = histories.keep(np.zeros(histories.n_events, dtype=bool))
    for given in (histories, only):
        scores = ranker.scores(given)
        for user in range(0, len(given), 41):
            history = given.take(np.array([user]))
            against = history.is_disliked()
            for item in (0, 7, 50):
                split = ranker.split(history, item)
                assert split.history.shape == against.shape
                assert abs(split.score - scores[user, item]) < 1e-4 * np.abs(scores).max()
                assert abs(split.bias + split.history.sum() - split.score) < 1e-4 * np.abs(scores).max()


@pytest.mark.parametrize("protocol", list(Protocol))
def test_folds_do_not_rank_what_is_disliked_and_know_no_later_dislikes(protocol: Protocol) -> None:
    likes, dislikes = PLANTED.likes, PLANTED.dislikes
    if protocol is Protocol.RANDOM:
        likes, dislikes = replace(likes, times=None), replace(dislikes, times=None)
    histories = replace(likes.histories(), dislikes=dislikes.histories())
    rng = np.random.default_rng(1)
    checked = 0
    for fold in map(with_dislikes, folds_of(histories, protocol, CrossFitSettings(folds=2), rng)):
        for part in fold.held_out:
            known = part.histories.known().toarray() > 0
            targets, excluded = part.targets.toarray() > 0, part.excluded.toarray() > 0
            assert not (excluded & targets).any()
            assert (excluded | targets)[known].all()
            against = part.histories.dislikes
            if part.kind == "users" and protocol is Protocol.RANDOM:
                assert against is None
            elif part.kind == "events" and protocol is Protocol.NEXT:
                assert against is not None
                assert against.times is not None
                assert part.histories.now is not None
                assert (against.times < part.histories.now[against.users]).all()
            checked += int(part.histories.has_dislikes.sum())
    assert checked > 50


def test_the_value_of_a_dislike_is_chosen_where_it_ranks_better() -> None:
    task = PLANTED.task(dislikes=True)
    model = PLANTED.model(BOTH.model_copy(update={"protocol": "random"}), dislikes=False).bind(GRAPH)
    chosen = choose_user_weights({"ease": model.blocks["ease"]}, replace(task, history=_untimed(task.history)))["ease"]
    assert chosen.dislikes == {"rating": max(DISLIKES)}
    assert chosen.is_even
    assert can_weigh(_untimed(task.history))
    assert not can_weigh(replace(_untimed(task.history), dislikes=None))


def test_a_kind_that_says_more_counts_more() -> None:
    """Each user has bought items of one theme and looked at items of another; what is bought goes with what follows."""
    rng = np.random.default_rng(2)
    n_users, n = 240, 3
    items, kinds, targets = [], [], []
    for _ in range(n_users):
        bought, seen = rng.permutation(THEMES)[:2] * SIZE
        own = bought + rng.choice(SIZE, n + 2, replace=False)
        items.append([*(seen + rng.choice(SIZE, n + 1, replace=False)), *own[:n]])
        kinds.append([1] * (n + 1) + [0] * n)
        targets.append(own[n:])
    length = 2 * n + 1
    histories = Histories(
        np.arange(n_users + 1) * length, np.array(items, np.int32).ravel(), GRAPH.n_items,
        kinds=np.array(kinds, np.int16).ravel(), kind_names=("bought", "seen"), is_ordered=False,
    )  # fmt: skip
    ones = np.ones(2 * n_users, np.float32)
    test = sp.csr_array((ones, np.concatenate(targets), np.arange(n_users + 1) * 2), shape=histories.shape)
    block = PLANTED.model(SMALL.model_copy(update={"blocks": ("ease",)}), dislikes=False).bind(GRAPH).blocks["ease"]
    task = RankingTask(histories, test, tie_break_keys(list(GRAPH.item_ids)), [str(user) for user in range(n_users)])
    chosen = choose_user_weights({"ease": block}, task)["ease"]
    assert chosen.kinds["bought"] > 1
    assert (
        choose_user_weights({"ease": block}, replace(task, history=replace(histories, kinds=None)))["ease"]
        == HistoryWeights()
    )


def _untimed(histories: Histories) -> Histories:
    against = histories.dislikes
    without = None if against is None else replace(against, times=None, is_ordered=False)
    return replace(histories, times=None, is_ordered=False, dislikes=without)
