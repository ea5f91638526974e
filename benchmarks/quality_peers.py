"""Peers of `benchmarks.quality`: closed forms of `encoders.behavior`, iALS and BPR of `implicit`, SASRec of RecTools,
LightFM.

Each is a function of events, settings and a seed, LightFM of facts too. Most score any history; BPR, SASRec and LightFM
list items for the users that they were trained on. Their packages are in `benchmarks/requirements.txt`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from encoders.behavior.ease import EASE, EASESettings
from encoders.behavior.item_knn import ItemKNN, ItemKNNSettings
from encoders.behavior.popularity import Popularity
from encoders.behavior.rp3beta import RP3Beta, RP3BetaSettings
from encoders.graph.facts import FactGraph
from encoders.history_weights import HistoryWeights
from fusion.evaluation import RankingTask, measured
from fusion.lists import Scorer
from fusion.ranking import TopK, top_k
from fusion.results import EvaluationResult
from kg.graph import KnowledgeGraph
from kg.histories import Histories
from kg.interactions import Interactions

Settings = Mapping[str, Any]

_KS = (10, 20)
_BATCH = 1_000
"""Users whose scores are in memory at a time."""


@dataclass(frozen=True)
class Listed:
    """A model of the users that it was trained on. lists: called with a task and a length, gives the lists of the
    task's test users in batches.
    """

    lists: Callable[[RankingTask, int], Iterator[TopK]]

    def evaluate(self, task: RankingTask, name: str) -> EvaluationResult:
        return measured(lambda k: self.lists(task, k), task, name=name, ks=_KS)


def popularity(train: Interactions, settings: Settings, seed: int) -> Scorer:
    return Popularity.learn(train.histories())


def ease(train: Interactions, settings: Settings, seed: int) -> Scorer:
    return EASE.learn(train.histories(), EASESettings(**settings))


def itemknn(train: Interactions, settings: Settings, seed: int) -> Scorer:
    return ItemKNN.learn(train.histories(), ItemKNNSettings(**settings))


def itemknn_all(train: Interactions, settings: Settings, seed: int) -> Scorer:
    """The plain cosine over all neighbours."""
    return ItemKNN.learn(train.histories(), ItemKNNSettings(neighbours=train.n_items))


def rp3beta(train: Interactions, settings: Settings, seed: int) -> Scorer:
    return RP3Beta.learn(train.histories(), RP3BetaSettings(**settings))


@dataclass(frozen=True)
class Recent:
    """A model of histories whose last events count more."""

    model: Scorer
    weights: HistoryWeights

    def scores(self, histories: Histories, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """See `Scorer`."""
        return self.model.scores(self.weights.of(histories), candidates)


def recency_ease(train: Interactions, settings: Settings, seed: int) -> Scorer:
    """EASE fitted as always, its histories weighed by floor + (1 - floor) · exp(-place / places)."""
    weights = HistoryWeights(floor=settings["floor"], places=settings["places"])
    return Recent(ease(train, {"regularization": settings["regularization"]}, seed), weights)


@dataclass(frozen=True)
class FoldedIn:
    """iALS of `implicit`: a user's factors are solved for the history."""

    model: Any

    def scores(self, histories: Histories, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """See `Scorer`."""
        matrix = sp.csr_matrix(histories.matrix())
        users = self.model.recalculate_user(np.arange(len(histories)), matrix)
        items = self.model.item_factors if candidates is None else self.model.item_factors[candidates]
        return np.asarray(users @ items.T, dtype=np.float32)


def implicit_als(train: Interactions, settings: Settings, seed: int) -> Scorer:
    from implicit.als import AlternatingLeastSquares

    # Double precision is worth a little quality, and costs little on CPUs.
    fixed = {"dtype": np.float64, "use_gpu": False, "num_threads": _threads(), "random_state": seed}
    model = AlternatingLeastSquares(**settings, **fixed)
    model.fit(sp.csr_matrix(train.matrix()), show_progress=False)
    return FoldedIn(model)


def implicit_bpr(train: Interactions, settings: Settings, seed: int) -> Listed:
    from implicit.bpr import BayesianPersonalizedRanking

    # Several threads update the same factors without locks, so that only one gives the same result again.
    model = BayesianPersonalizedRanking(**settings, use_gpu=False, num_threads=1, random_state=seed)
    model.fit(sp.csr_matrix(train.matrix()), show_progress=False)
    return _of_factors(np.asarray(model.user_factors), np.asarray(model.item_factors))


def lightfm(train: Interactions, graph: KnowledgeGraph, settings: Settings, seed: int) -> Listed:
    """LightFM with the WARP loss; features of an item are itself, if it has an event, and its facts."""
    from lightfm import LightFM  # pyright: ignore[reportMissingImports]

    asked = dict(settings)
    epochs = asked.pop("epochs")
    features = _features(train, graph)
    model = LightFM(**asked, loss="warp", random_state=seed)
    # Several threads update the same vectors without locks.
    model.fit(train.matrix().tocoo(), item_features=features, epochs=epochs, num_threads=1)
    biases, items = model.get_item_representations(features)
    users = model.get_user_representations()[1]
    # The bias as one more dimension.
    return _of_factors(np.column_stack([users, np.ones(len(users))]), np.column_stack([items, biases]))


def _features(train: Interactions, graph: KnowledgeGraph) -> sp.csr_matrix:
    """csr float32 [n_items, n_features]; rows sum to 1, as the library's own data sets make them."""
    known = np.bincount(train.items, minlength=graph.n_items) > 0
    columns = sp.hstack([sp.diags_array(known.astype(np.float32)), *FactGraph.of(graph).incidence]).tocsc()
    used = columns[:, np.diff(columns.indptr) > 0].tocsr()
    sums = np.maximum(np.asarray(used.sum(axis=1)).ravel(), 1.0)
    values = (used.data / np.repeat(sums, np.diff(used.indptr))).astype(np.float32)
    # LightFM reads 32-bit indices alone.
    return sp.csr_matrix((values, used.indices.astype(np.int32), used.indptr.astype(np.int32)), shape=used.shape)


def _of_factors(users: NDArray[np.floating], items: NDArray[np.floating]) -> Listed:
    """The model whose scores are products of vectors [n_users, d] and [n_items, d]."""

    def lists(task: RankingTask, k: int) -> Iterator[TopK]:
        candidates = np.arange(len(items)) if task.candidates is None else task.candidates
        keys = task.tie_break[candidates]
        for rows in _batches(task.test_users):
            scores = (users[rows] @ items[candidates].T).astype(np.float32)
            excluded = sp.csr_array(task.never_listed[rows])
            yield top_k(scores, k, tie_break=keys, excluded=excluded, candidates=candidates)

    return Listed(lists)


def sasrec(train: Interactions, settings: Settings, seed: int) -> Listed:
    """SASRec of RecTools over the users' sessions in time. Its own ranking is used: it lists for users by id."""
    import torch
    from pytorch_lightning import Trainer, seed_everything  # pyright: ignore[reportMissingImports]
    from rectools.dataset import Dataset  # pyright: ignore[reportMissingImports]
    from rectools.models import SASRecModel  # pyright: ignore[reportMissingImports]

    asked = dict(settings)
    # Steps, not epochs: a search over epochs would train a small set too little or a large one for hours.
    sessions = int(np.count_nonzero(np.bincount(train.users) > 1))
    epochs = max(1, round(asked.pop("steps") * asked["batch_size"] / max(sessions, asked["batch_size"])))
    torch.set_num_threads(_threads() or os.cpu_count() or 1)
    seed_everything(seed, verbose=False)

    def trainer() -> Trainer:
        quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
        return Trainer(max_epochs=epochs, min_epochs=epochs, deterministic=True, accelerator="cpu", **quiet)

    events = train.histories()
    # Places as times: RecTools orders sessions by them, and they keep the order of events of one time.
    frame = pd.DataFrame(
        {
            "user_id": events.users,
            "item_id": events.items,
            "weight": 1.0,
            "datetime": pd.Timestamp(0) + pd.to_timedelta(np.arange(events.n_events), unit="s"),
        }
    )
    dataset = Dataset.construct(frame)
    model = SASRecModel(**asked, get_trainer_func=trainer, recommend_torch_device="cpu")
    model.fit(dataset)

    def lists(task: RankingTask, k: int) -> Iterator[TopK]:
        known = np.unique(events.items)
        allowed = known if task.candidates is None else np.intersect1d(known, task.candidates)
        excluded = task.never_listed
        for rows in _batches(task.test_users):
            hidden = sp.csr_array(excluded[rows])
            # Items of the history are removed by RecTools, those of valid here.
            more = int(np.diff((hidden - hidden.multiply(sp.csr_array(task.history.matrix()[rows]))).indptr).max())
            found = model.recommend(rows, dataset, k=k + more, filter_viewed=True, items_to_recommend=allowed)
            yield _top_of(found, rows, hidden, k)

    return Listed(lists)


def _top_of(found: pd.DataFrame, rows: NDArray[np.intp], hidden: sp.csr_array, k: int) -> TopK:
    """Lists from RecTools's table, without the items that are `hidden` [len(rows), n_items]."""
    place = pd.Index(rows).get_indexer(pd.Index(found["user_id"]))
    items = found["item_id"].to_numpy(np.int64)
    kept = np.asarray(hidden.toarray()[place, items]).ravel() == 0
    table = pd.DataFrame({"row": place[kept], "item": items[kept], "score": found["score"].to_numpy()[kept]})
    rank = table.groupby("row").cumcount().to_numpy()
    inside = rank < k
    listed = np.full((len(rows), k), -1, np.int32)
    scores = np.full((len(rows), k), np.nan, np.float32)
    listed[table["row"].to_numpy()[inside], rank[inside]] = table["item"].to_numpy()[inside]
    scores[table["row"].to_numpy()[inside], rank[inside]] = table["score"].to_numpy()[inside]
    return TopK(listed, scores)


def _batches(users: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    for first in range(0, len(users), _BATCH):
        yield users[first : first + _BATCH]


def _threads() -> int:
    """As many as `OMP_NUM_THREADS` says; 0 is one a processor."""
    return int(os.environ.get("OMP_NUM_THREADS", "0"))
