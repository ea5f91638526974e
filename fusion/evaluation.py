"""Rank all candidates for every test user, in batches, and measure the lists.

There is one rule: the model may use the history, excluded items are never listed, every candidate competes, equal
scores are ordered by `fusion.ranking`, all test items are relevant, and test users without history are ranked too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fusion import metrics
from fusion.lists import Scorer, joined, ranked_lists
from fusion.ranking import TopK, tie_break_keys
from fusion.results import EvaluationResult
from fusion.splits import Split
from kg.histories import Histories


@dataclass(frozen=True)
class RankingTask:
    """A ranking task: users, their histories and candidates, over one catalogue of n_items.

    history: of n_users users; test: [n_users, n_items], rows are the same users. exclude: [n_users, n_items], never
    listed (None: the history). candidates: item indices [n_candidates], None for all. tie_break: `tie_break_keys` of
    all items [n_items]. item_users: training users of each item [n_items] of `n_training_users`, for novelty. features:
    [n_items, d] for intra-list diversity. The last two may be None: then these metrics are left out.
    """

    history: Histories
    test: sp.csr_array
    tie_break: NDArray[np.uint64]
    user_ids: Sequence[str]
    exclude: sp.csr_array | None = None
    candidates: NDArray[np.intp] | None = None
    item_users: NDArray[np.int64] | None = None
    n_training_users: int = 0
    features: NDArray[np.float32] | sp.csr_array | None = None

    def __post_init__(self) -> None:
        n_users, n_items = self.test.shape
        for name, matrix in (("history", self.history), ("exclude", self.exclude)):
            if matrix is not None and matrix.shape != self.test.shape:
                raise ValueError(f"{name} has shape {matrix.shape}, test has {self.test.shape}")
        if len(self.tie_break) != n_items or len(self.user_ids) != n_users:
            raise ValueError(
                f"{len(self.tie_break)} tie-break keys and {len(self.user_ids)} users for {self.test.shape}"
            )

    @classmethod
    def of_split(
        cls,
        split: Split,
        item_ids: Sequence[str],
        *,
        part: Literal["valid", "test"] = "test",
        candidates: NDArray[np.intp] | None = None,
        features: NDArray[np.float32] | sp.csr_array | None = None,
    ) -> RankingTask:
        """Make the task of ranking a split's test part (or its valid part) by the one rule.

        At test the history is train and given, and items of train, valid and given are excluded; at valid both are
        train alone. item_ids: outside ids of all items, for ties.
        """
        train = split.train.matrix()
        return cls(
            history=(split.history() if part == "test" else split.train).histories(),
            test=(split.test if part == "test" else split.valid).matrix(),
            tie_break=tie_break_keys(item_ids),
            user_ids=split.train.user_ids,
            exclude=split.seen() if part == "test" else train,
            candidates=candidates,
            item_users=np.bincount(train.indices, minlength=train.shape[1]).astype(np.int64),
            n_training_users=int(np.count_nonzero(np.diff(train.indptr))),
            features=features,
        )

    @property
    def n_candidates(self) -> int:
        return self.test.shape[1] if self.candidates is None else len(self.candidates)

    @property
    def test_users(self) -> NDArray[np.intp]:
        """Rows of the users who have test items."""
        return np.flatnonzero(np.diff(self.test.indptr) > 0)

    @property
    def never_listed(self) -> sp.csr_array:
        """Items that are never listed, [n_users, n_items]."""
        return self.history.known() if self.exclude is None else self.exclude


def evaluate(
    model: Scorer,
    task: RankingTask,
    *,
    name: str,
    ks: Sequence[int] = (10, 20),
    batch: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> EvaluationResult:
    """Rank all candidates for every user who has test items, and measure the lists at each k.

    batch: number of users per batch, see `fusion.lists`. progress: called with (users done, users).
    """
    users = task.test_users

    def lists(k: int) -> Iterator[TopK]:
        histories, excluded = task.history.take(users), sp.csr_array(task.never_listed[users])
        done = 0
        for batch_lists in ranked_lists(
            model,
            histories,
            k,
            tie_break=task.tie_break,
            excluded=excluded,
            candidates=task.candidates,
            batch=batch,
        ):
            yield batch_lists
            done += len(batch_lists.items)
            if progress is not None:
                progress(done, len(users))

    return measured(lists, task, name=name, ks=ks)


def measured(
    lists: Callable[[int], Iterator[TopK]], task: RankingTask, *, name: str, ks: Sequence[int]
) -> EvaluationResult:
    """Measure lists of the task's `test_users`; `lists` makes them in batches for a given length."""
    if not ks or min(ks) < 1:
        raise ValueError(f"ks must be one or more numbers from 1 on, not {list(ks)}")
    users = task.test_users
    started = time.perf_counter()
    ranked = joined(lists(max(ks)), max(ks))
    seconds = time.perf_counter() - started
    per_user, overall = _measure(ranked, task, users, ks)
    ids = tuple(task.user_ids[int(user)] for user in users)
    return EvaluationResult(name, ids, per_user, overall, ranked, seconds)


def _measure(
    ranked: TopK, task: RankingTask, users: NDArray[np.intp], ks: Sequence[int]
) -> tuple[dict[str, NDArray[np.float64]], dict[str, float]]:
    """Compute per-user values and values over all lists, by `metric@k`."""
    relevant = task.test[users]
    n_relevant = np.diff(relevant.indptr).astype(np.int64)
    hits = metrics.hits(ranked.items, relevant)
    per_user: dict[str, NDArray[np.float64]] = {}
    overall: dict[str, float] = {}
    for k in ks:
        per_user[f"recall@{k}"] = metrics.recall(hits, n_relevant, k)
        per_user[f"ndcg@{k}"] = metrics.ndcg(hits, n_relevant, k)
        per_user[f"mrr@{k}"] = metrics.mrr(hits, k)
        per_user[f"hit@{k}"] = metrics.hit_rate(hits, k)
        per_user[f"map@{k}"] = metrics.average_precision(hits, n_relevant, k)
        if task.item_users is not None:
            per_user[f"novelty@{k}"] = metrics.novelty(ranked.items, task.item_users, task.n_training_users, k)
        if task.features is not None:
            per_user[f"diversity@{k}"] = metrics.intra_list_diversity(ranked.items, task.features, k)
        overall[f"coverage@{k}"] = metrics.coverage(ranked.items, task.n_candidates, k)
    return per_user, overall
