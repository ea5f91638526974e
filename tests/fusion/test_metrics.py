from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion import metrics

N_ITEMS = 15


@st.composite
def rankings(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Lists of one length, some shorter (-1 at the end), and the relevant items of each user, at least one."""
    n_users, length = draw(st.integers(1, 5)), draw(st.integers(1, N_ITEMS))
    lists, relevant = [], np.zeros((n_users, N_ITEMS), dtype=np.float32)
    for user in range(n_users):
        items = draw(st.permutations(range(N_ITEMS)))[: draw(st.integers(0, length))]
        lists.append(items + [-1] * (length - len(items)))
        relevant[user, draw(st.lists(st.integers(0, N_ITEMS - 1), min_size=1, unique=True))] = 1
    return np.array(lists, dtype=np.int32), relevant


def measured(ranked: np.ndarray, relevant: np.ndarray, k: int) -> dict[str, np.ndarray]:
    found = metrics.hits(ranked, sp.csr_array(relevant))
    counts = relevant.sum(axis=1).astype(np.int64)
    return {
        "recall": metrics.recall(found, counts, k),
        "ndcg": metrics.ndcg(found, counts, k),
        "mrr": metrics.mrr(found, k),
        "hit": metrics.hit_rate(found, k),
        "map": metrics.average_precision(found, counts, k),
    }


def as_frames(ranked: np.ndarray, relevant: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    lists = [(user, item, rank) for user, items in enumerate(ranked) for rank, item in enumerate(items, 1) if item >= 0]
    return pd.DataFrame(lists, columns=["user", "item", "rank"]), pd.DataFrame(
        np.argwhere(relevant > 0), columns=["user", "item"]
    )


@given(case=rankings(), k=st.integers(1, N_ITEMS + 3))
@settings(max_examples=100, deadline=None)
def test_equals_a_tabular_computation(case: tuple[np.ndarray, np.ndarray], k: int) -> None:
    """The rules of the benchmark's scorer, written once more over tables of (user, item)."""
    lists, test = as_frames(*case)
    found = measured(*case, k)
    for user in range(len(case[0])):
        wanted = test[test["user"] == user]
        hits = lists[(lists["user"] == user) & (lists["rank"] <= k)].merge(wanted, on=["user", "item"])
        ranks = hits["rank"].to_numpy(dtype=float)
        ideal = np.sum(1 / np.log2(np.arange(1, min(len(wanted), k) + 1) + 1))
        expected = {
            "recall": len(ranks) / len(wanted),
            "ndcg": np.sum(1 / np.log2(ranks + 1)) / ideal,
            "mrr": 1 / ranks.min() if len(ranks) else 0,
            "hit": float(len(ranks) > 0),
        }
        for name, value in expected.items():
            assert found[name][user] == pytest.approx(value), name


def test_equals_ranx() -> None:
    """The three metrics with a discount; ranx compiles each for several seconds, recall and hits are checked above."""
    ranx = pytest.importorskip("ranx")
    rng = np.random.default_rng(0)
    n_users, length = 60, 12
    ranked = np.array([rng.permutation(N_ITEMS)[:length] for _ in range(n_users)], dtype=np.int32)
    relevant = (rng.random((n_users, N_ITEMS)) < 0.3).astype(np.float32)
    relevant[:, 0] = 1
    qrels = ranx.Qrels(
        {f"u{user}": {str(item): 1 for item in np.flatnonzero(row)} for user, row in enumerate(relevant)}
    )
    run = ranx.Run(
        {
            f"u{user}": {str(item): float(length - rank) for rank, item in enumerate(row)}
            for user, row in enumerate(ranked)
        }
    )
    counts = relevant.sum(axis=1)
    for k in (1, 5, 10):
        found = measured(ranked, relevant, k)
        peer = ranx.evaluate(qrels, run, [f"{name}@{k}" for name in ("ndcg", "mrr", "map")], return_mean=False)
        order = np.argsort([int(name[1:]) for name in run.run])
        for name in ("ndcg", "mrr", "map"):
            values = peer[f"{name}@{k}"][order]
            if name == "map":
                # ranx divides by all relevant items, this package by the most that a list of k can hold.
                values = values * counts / np.minimum(counts, k)
            np.testing.assert_allclose(found[name], values, atol=1e-9, err_msg=f"{name}@{k}")


def test_values_by_hand() -> None:
    ranked = np.array([[3, 1, 2, 0]], dtype=np.int32)
    relevant = np.zeros((1, 5), dtype=np.float32)
    relevant[0, [1, 0, 4]] = 1
    found = measured(ranked, relevant, 4)
    assert found["recall"][0] == pytest.approx(2 / 3)
    assert found["mrr"][0] == pytest.approx(1 / 2)
    assert found["map"][0] == pytest.approx((1 / 2 + 2 / 4) / 3)
    assert found["ndcg"][0] == pytest.approx((1 / np.log2(3) + 1 / np.log2(5)) / (1 + 1 / np.log2(3) + 1 / np.log2(4)))
    assert measured(ranked, relevant, 1)["hit"][0] == 0


@given(case=rankings(), k=st.integers(1, N_ITEMS))
@settings(deadline=None)
def test_values_lie_between_zero_and_one(case: tuple[np.ndarray, np.ndarray], k: int) -> None:
    for values in measured(*case, k).values():
        assert np.all((values >= 0) & (values <= 1 + 1e-12))


@given(case=rankings(), k=st.integers(1, N_ITEMS))
@settings(deadline=None)
def test_a_perfect_list_has_one_and_moving_a_hit_up_never_hurts(case: tuple[np.ndarray, np.ndarray], k: int) -> None:
    ranked, relevant = case
    perfect = np.argsort(-relevant, axis=1, kind="stable").astype(np.int32)
    best = measured(perfect, relevant, k)
    for name in ("ndcg", "mrr", "hit", "map"):
        np.testing.assert_allclose(best[name], 1)
    found = metrics.hits(ranked, sp.csr_array(relevant))
    sorted_hits = -np.sort(-found.astype(int), axis=1) > 0
    counts = relevant.sum(axis=1).astype(np.int64)
    assert np.all(metrics.ndcg(sorted_hits, counts, k) >= metrics.ndcg(found, counts, k) - 1e-12)
    assert np.all(
        metrics.average_precision(sorted_hits, counts, k) >= metrics.average_precision(found, counts, k) - 1e-12
    )


def test_repeated_items_and_users_without_relevant_items_are_refused() -> None:
    with pytest.raises(ValueError, match="repeats"):
        metrics.hits(np.array([[1, 2, 1]], dtype=np.int32), sp.csr_array(np.ones((1, 3))))
    assert not metrics.hits(np.array([[-1, -1]], dtype=np.int32), sp.csr_array(np.ones((1, 3)))).any()
    with pytest.raises(ValueError, match="no relevant"):
        metrics.recall(np.array([[True]]), np.array([0]), 1)


def test_coverage_counts_distinct_listed_items() -> None:
    ranked = np.array([[0, 1, -1], [1, 2, 3]], dtype=np.int32)
    assert metrics.coverage(ranked, 8, 2) == pytest.approx(3 / 8)
    assert metrics.coverage(ranked, 8, 3) == pytest.approx(4 / 8)


def test_novelty_is_bits_of_popularity() -> None:
    users = np.array([3, 1, 0], dtype=np.int64)
    ranked = np.array([[0, 2, -1], [1, -1, -1], [-1, -1, -1]], dtype=np.int32)
    # (count + 1) of (7 + 1) users: 1, 2 and 3 bits for counts 3, 1 and 0.
    np.testing.assert_allclose(metrics.novelty(ranked, users, 7, 3), [(1 + 3) / 2, 2, 0])


@given(case=rankings(), k=st.integers(1, N_ITEMS), as_sparse=st.booleans())
@settings(deadline=None)
def test_diversity_is_the_mean_distance_of_all_pairs(
    case: tuple[np.ndarray, np.ndarray], k: int, as_sparse: bool
) -> None:
    ranked, _ = case
    features = np.random.default_rng(1).normal(size=(N_ITEMS, 4)).astype(np.float32)
    features[3] = 0
    expected = []
    for row in ranked:
        items = [item for item in row[:k] if item >= 0]
        distances = []
        for a, b in itertools.combinations(items, 2):
            norms = np.linalg.norm(features[a]) * np.linalg.norm(features[b])
            distances.append(1 - (float(features[a] @ features[b]) / norms if norms else 0))
        expected.append(np.mean(distances) if distances else 0)
    given_features = sp.csr_array(features) if as_sparse else features
    np.testing.assert_allclose(metrics.intra_list_diversity(ranked, given_features, k), expected, atol=1e-6)
