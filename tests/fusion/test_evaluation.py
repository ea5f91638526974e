from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.typing import NDArray

from encoders.behavior import EASE, Popularity
from fusion.evaluation import RankingTask, evaluate
from fusion.ranking import tie_break_keys
from fusion.splits import Split, split_cold_items, split_random
from kg.histories import Histories
from kg.interactions import Interactions

N_USERS, N_ITEMS = 60, 30
ITEM_IDS = [f"item {item}" for item in range(N_ITEMS)]


@pytest.fixture(scope="module")
def whole() -> Interactions:
    rng = np.random.default_rng(0)
    liked = rng.random((N_USERS, N_ITEMS)) < np.where(
        np.arange(N_USERS)[:, None] % 3 == np.arange(N_ITEMS) % 3, 0.6, 0.1
    )
    users, items = np.nonzero(liked)
    user_ids = [f"user {user}" for user in range(N_USERS)]
    return Interactions(users.astype(np.int32), items.astype(np.int32), user_ids, N_ITEMS)


@pytest.fixture(scope="module")
def split(whole: Interactions) -> Split:
    return split_random(whole, valid=0.2, test=0.2, seed=1)


class Oracle:
    """Scores what it was given as relevant above all else."""

    def __init__(self, relevant: sp.csr_array) -> None:
        self._relevant = relevant
        self._row = 0

    def scores(self, histories: Histories, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        rows = self._relevant[self._row : self._row + len(histories)].toarray()
        self._row += len(histories)
        return np.asarray(rows if candidates is None else rows[:, candidates], dtype=np.float32)


def test_a_perfect_model_has_one_everywhere(split: Split) -> None:
    task = RankingTask.of_split(split, ITEM_IDS)
    users = np.flatnonzero(np.diff(task.test.indptr))
    result = evaluate(Oracle(task.test[users]), task, name="oracle", ks=(1, 10, 30))
    for metric in ("ndcg@1", "ndcg@10", "mrr@10", "map@10", "hit@1", "recall@30"):
        assert result.mean(metric) == pytest.approx(1)


def test_only_users_with_test_items_count_and_seen_items_are_never_listed(split: Split) -> None:
    task = RankingTask.of_split(split, ITEM_IDS)
    result = evaluate(EASE.learn(split.train.histories()), task, name="ease")
    users = np.flatnonzero(np.diff(task.test.indptr))
    assert result.users == tuple(f"user {user}" for user in users)
    seen = split.seen().toarray() > 0
    for row, user in enumerate(users):
        listed = result.ranked.items[row]
        assert not seen[user, listed[listed >= 0]].any()


def test_batches_and_candidates_do_not_change_the_lists(split: Split) -> None:
    model = EASE.learn(split.train.histories())
    task = RankingTask.of_split(split, ITEM_IDS)
    done: list[tuple[int, int]] = []
    whole = evaluate(model, task, name="ease", ks=(5,))
    parts = evaluate(model, task, name="ease", ks=(5,), batch=7, progress=lambda *counts: done.append(counts))
    every = evaluate(model, RankingTask.of_split(split, ITEM_IDS, candidates=np.arange(N_ITEMS)), name="ease", ks=(5,))
    np.testing.assert_array_equal(parts.ranked.items, whole.ranked.items)
    np.testing.assert_array_equal(every.ranked.items, whole.ranked.items)
    assert done[0] == (7, len(whole.users))
    assert done[-1] == (len(whole.users), len(whole.users))


def test_cold_items_are_ranked_among_themselves(whole: Interactions) -> None:
    split = next(split_cold_items(whole, folds=3, seed=0))
    cold = np.unique(split.test.items).astype(np.intp)
    task = RankingTask.of_split(split, ITEM_IDS, candidates=cold)
    result = evaluate(Popularity.learn(split.train.histories()), task, name="popularity", ks=(5,))
    assert set(np.unique(result.ranked.items)) <= {-1, *cold.tolist()}
    # Nobody has a cold item, so every score is equal and only the hash orders them.
    order = cold[np.argsort(tie_break_keys([ITEM_IDS[item] for item in cold]))]
    assert result.ranked.items[0].tolist() == order[:5].tolist()


def test_the_valid_task_knows_train_alone(split: Split) -> None:
    task = RankingTask.of_split(split, ITEM_IDS, part="valid")
    np.testing.assert_array_equal(task.test.toarray(), split.valid.matrix().toarray())
    assert task.exclude is not None
    np.testing.assert_array_equal(task.exclude.toarray(), split.train.matrix().toarray())
    np.testing.assert_array_equal(task.history.matrix().toarray(), split.train.matrix().toarray())


def test_optional_metrics_need_their_data(split: Split) -> None:
    features = np.eye(N_ITEMS, dtype=np.float32)
    task = RankingTask.of_split(split, ITEM_IDS, features=features)
    model = Popularity.learn(split.train.histories())
    assert evaluate(model, task, name="p", ks=(5,)).mean("diversity@5") == pytest.approx(1)
    bare = RankingTask(task.history, task.test, task.tie_break, task.user_ids)
    names = evaluate(model, bare, name="p", ks=(5,)).metrics
    assert "diversity@5" not in names
    assert "novelty@5" not in names
    # Without an exclusion of its own a task excludes the history.
    known = task.history.matrix().toarray() > 0
    for row, user in enumerate(np.flatnonzero(np.diff(bare.test.indptr))):
        assert not known[user, evaluate(model, bare, name="p", ks=(1,)).ranked.items[row]].any()


def test_tasks_that_do_not_fit_are_refused(split: Split) -> None:
    task = RankingTask.of_split(split, ITEM_IDS)
    with pytest.raises(ValueError, match="history has shape"):
        RankingTask(task.history.take(slice(3)), task.test, task.tie_break, task.user_ids)
    with pytest.raises(ValueError, match="tie-break keys"):
        RankingTask(task.history, task.test, task.tie_break[:3], task.user_ids)
    with pytest.raises(ValueError, match="ks must be"):
        evaluate(Popularity.learn(task.history), task, name="p", ks=())
