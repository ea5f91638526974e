"""Full ranking of all candidates for every test user, in batches, and the metrics of the lists.

The one rule: history is what the model may know, excluded items are never listed, every candidate competes, equal
scores go by `fusion.ranking`, all test items count as relevant, and test users without history are ranked like others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fusion import metrics
from fusion.ranking import TopK, tie_break_keys, top_k
from fusion.results import EvaluationResult
from fusion.splits import Split
from kg.histories import Histories

BATCH_CELLS = 16_000_000
"""Scores of one batch (64 MB in float32): far below what training takes, large enough for fast products."""


class Scorer(Protocol):
    """Anything that scores candidates for histories: a block, a fused ranker, a peer."""

    def scores(self, histories: Histories, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """float32 [n_users, n_candidates]; candidates are item indices, None for all."""
        ...


@dataclass(frozen=True)
class RankingTask:
    """What is to be ranked for whom, over one catalogue of n_items.

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
        """The task of ranking a split's test part (or its valid part) by the one rule.

        At test the history is train and what is given, and items of train, valid and given are excluded; at valid both
        are train alone. item_ids: outside ids of all items, for ties.
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

    batch: users at a time, by default as many as `BATCH_CELLS` allows. progress: called with (users done, users).
    """
    if not ks or min(ks) < 1:
        raise ValueError(f"ks must be one or more numbers from 1 on, not {list(ks)}")
    users = np.flatnonzero(np.diff(task.test.indptr) > 0)
    started = time.perf_counter()
    ranked = rank(model, task, users, max(ks), batch=batch, progress=progress)
    seconds = time.perf_counter() - started
    per_user, overall = _measure(ranked, task, users, ks)
    ids = tuple(task.user_ids[int(user)] for user in users)
    return EvaluationResult(name, ids, per_user, overall, ranked, seconds)


def rank(
    model: Scorer,
    task: RankingTask,
    users: NDArray[np.intp],
    k: int,
    *,
    batch: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> TopK:
    """The k best candidates of the given users (rows of the task), [len(users), k]."""
    exclude = task.history.matrix() if task.exclude is None else task.exclude
    keys = task.tie_break if task.candidates is None else task.tie_break[task.candidates]
    step = batch or max(1, BATCH_CELLS // max(1, task.n_candidates))
    lists = [TopK(np.zeros((0, k), np.int32), np.zeros((0, k), np.float32))]
    for start in range(0, len(users), step):
        rows = users[start : start + step]
        scores = model.scores(task.history.take(rows), task.candidates)
        lists.append(top_k(scores, k, tie_break=keys, excluded=exclude[rows], candidates=task.candidates))
        if progress is not None:
            progress(start + len(rows), len(users))
    return TopK(np.concatenate([part.items for part in lists]), np.concatenate([part.scores for part in lists]))


def _measure(
    ranked: TopK, task: RankingTask, users: NDArray[np.intp], ks: Sequence[int]
) -> tuple[dict[str, NDArray[np.float64]], dict[str, float]]:
    """Per-user values and values over all lists, by `metric@k`."""
    relevant = task.test[users]
    n_relevant = np.diff(relevant.indptr).astype(np.int64)
    found = metrics.hits(ranked.items, relevant)
    per_user: dict[str, NDArray[np.float64]] = {}
    overall: dict[str, float] = {}
    for k in ks:
        per_user[f"recall@{k}"] = metrics.recall(found, n_relevant, k)
        per_user[f"ndcg@{k}"] = metrics.ndcg(found, n_relevant, k)
        per_user[f"mrr@{k}"] = metrics.mrr(found, k)
        per_user[f"hit@{k}"] = metrics.hit_rate(found, k)
        per_user[f"map@{k}"] = metrics.average_precision(found, n_relevant, k)
        if task.item_users is not None:
            per_user[f"novelty@{k}"] = metrics.novelty(ranked.items, task.item_users, task.n_training_users, k)
        if task.features is not None:
            per_user[f"diversity@{k}"] = metrics.intra_list_diversity(ranked.items, task.features, k)
        overall[f"coverage@{k}"] = metrics.coverage(ranked.items, task.n_candidates, k)
    return per_user, overall
