"""Peers of the quality harness by hand: recency weights, folding in, lists without hidden items."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from benchmarks import quality_peers as peers
from benchmarks.quality_models import MODELS
from fusion.evaluation import RankingTask
from fusion.ranking import tie_break_keys
from kg.histories import Histories
from kg.interactions import Interactions
from tests.planted import domain

BPR = {"factors": 4, "learning_rate": 0.05, "regularization": 0.01, "iterations": 20}


@pytest.fixture
def train() -> Interactions:
    rng = np.random.default_rng(1)
    users, items = np.nonzero(rng.random((25, 12)) < 0.4)
    times = rng.permutation(len(users)).astype(np.float64)
    ids = [str(user) for user in range(25)]
    return Interactions(users.astype(np.int32), items.astype(np.int32), ids, 12, None, times)


def task_of(train: Interactions) -> RankingTask:
    hidden = train.matrix().toarray()
    # The first item that each user has not: it is hidden too, as a valid event would be. The next one is the test.
    rest = np.argsort(hidden, axis=1, kind="stable")
    rows = np.arange(len(hidden))
    test = np.zeros_like(hidden)
    test[rows, rest[:, 1]] = 1
    hidden[rows, rest[:, 0]] = 1
    return RankingTask(
        history=train.histories(),
        test=sp.csr_array(test),
        tie_break=tie_break_keys([str(item) for item in range(12)]),
        user_ids=train.user_ids,
        exclude=sp.csr_array(hidden),
        candidates=np.arange(11),
    )


def test_recency_weighs_the_last_events_most(train: Interactions) -> None:
    settings = {"regularization": 3.0, "floor": 0.2, "places": 2.0}
    history = Histories.of_items([4, 7, 1], 12)
    plain = peers.ease(train, {"regularization": 3.0}, 1)
    weights = 0.2 + 0.8 * np.exp(-np.array([2, 1, 0]) / 2.0)
    alone = np.stack([plain.scores(Histories.of_items([item], 12))[0] for item in (4, 7, 1)])
    found = peers.recency_ease(train, settings, 1).scores(history)[0]
    assert found == pytest.approx(weights @ alone, abs=1e-5)
    even = peers.recency_ease(train, {**settings, "floor": 1.0}, 1).scores(history)
    assert even == pytest.approx(plain.scores(history), abs=1e-6)


def test_all_neighbours_are_the_plain_cosine(train: Interactions) -> None:
    columns = train.matrix().toarray()
    norms = np.sqrt((columns**2).sum(axis=0))
    cosine = columns.T @ columns / np.outer(norms, norms)
    found = peers.itemknn_all(train, {}, 1).scores(Histories.of_items([3, 8], 12))[0]
    others = [item for item in range(12) if item not in (3, 8)]
    assert found[others] == pytest.approx((cosine[3] + cosine[8])[others], abs=1e-5)


def test_als_is_folded_in_for_any_history(train: Interactions) -> None:
    settings = {"factors": 4, "regularization": 0.5, "alpha": 3.0, "iterations": 5}
    model = peers.implicit_als(train, settings, 1)
    items = model.model.item_factors  # pyright: ignore[reportAttributeAccessIssue]
    seen = items[[2, 5]]
    # Minimises Σ_i c_i (p_i − x·y_i)² + λ‖x‖² with c = α where p = 1, else 1 (implicit counts α itself as confidence).
    left = items.T @ items + (3.0 - 1) * seen.T @ seen + 0.5 * np.eye(4)
    user = np.linalg.solve(left, 3.0 * seen.sum(axis=0))
    found = model.scores(Histories.of_items([2, 5], 12), np.array([0, 9]))
    assert found[0] == pytest.approx(items[[0, 9]] @ user, abs=1e-4)


def test_bpr_lists_for_its_users_and_hides_what_is_hidden(train: Interactions) -> None:
    task = task_of(train)
    model = peers.implicit_bpr(train, BPR, 1)
    result = model.evaluate(task, "implicit-bpr")
    check_lists(result.ranked.items, task)
    again = peers.implicit_bpr(train, BPR, 1).evaluate(task, "implicit-bpr")
    assert np.array_equal(result.ranked.items, again.ranked.items)


def test_sasrec_lists_for_its_users_and_hides_what_is_hidden(train: Interactions) -> None:
    task = task_of(train)
    settings = {"n_factors": 8, "n_blocks": 1, "n_heads": 1, "session_max_len": 5, "steps": 3, "batch_size": 8}
    if not MODELS["sasrec"].is_installed:
        with pytest.raises(ModuleNotFoundError):
            peers.sasrec(train, settings, 1)
        return
    check_lists(peers.sasrec(train, settings, 1).evaluate(task, "sasrec").ranked.items, task)


def test_lightfm_lists_for_its_users_and_scores_new_items_by_their_facts() -> None:
    seen = domain()
    cold = seen.items[5:10]
    train = seen.without_events_on(cold).interactions
    settings = {"no_components": 8, "epochs": 30, "learning_rate": 0.05}
    if not MODELS["lightfm"].is_installed:
        with pytest.raises(ModuleNotFoundError):
            peers.lightfm(train, seen.graph, settings, 1)
        return
    items = seen.graph.item_indices(cold).astype(np.intp)
    test = np.zeros((train.n_users, train.n_items), np.float32)
    test[:, items] = seen.interactions.matrix().toarray()[:, items]
    ids = [str(user) for user in range(train.n_users)]
    task = RankingTask(
        train.histories(), sp.csr_array(test), tie_break_keys(seen.graph.item_ids), ids, candidates=items
    )
    facts = peers.lightfm(train, seen.graph, settings, 1).evaluate(task, "lightfm")
    bare = peers.lightfm(train, replace(seen, edges=()).graph, settings, 1).evaluate(task, "lightfm")
    assert set(np.unique(facts.ranked.items)) <= {-1, *items.tolist()}
    assert facts.mean("ndcg@10") > bare.mean("ndcg@10")
    again = peers.lightfm(train, seen.graph, settings, 1).evaluate(task, "lightfm")
    assert np.array_equal(facts.ranked.items, again.ranked.items)


def check_lists(lists: np.ndarray, task: RankingTask) -> None:
    assert task.exclude is not None
    hidden = task.exclude.toarray()
    for row, items in enumerate(lists[:, :20]):
        listed = items[items >= 0].tolist()
        assert len(set(listed)) == len(listed)
        allowed = set(np.flatnonzero(hidden[row] == 0).tolist()) - {11}
        assert set(listed) == allowed


def test_lists_of_a_table_are_cut_after_hidden_items_are_removed() -> None:
    table = pd.DataFrame({"user_id": [5, 5, 5, 9, 9], "item_id": [1, 0, 2, 3, 1], "score": [3.0, 2.0, 1.0, 5.0, 4.0]})
    hidden = sp.csr_array(np.array([[0, 1, 0, 0], [0, 0, 0, 0]]))
    found = peers._top_of(table, np.array([5, 9]), hidden, 2)
    assert found.items.tolist() == [[0, 2], [3, 1]]
    short = peers._top_of(table, np.array([5, 9]), hidden, 3)
    assert short.items.tolist() == [[0, 2, -1], [3, 1, -1]]
