from __future__ import annotations

import numpy as np
import pytest

from fusion.ranking import TopK
from fusion.results import Comparison, EvaluationResult


def result(name: str, ndcg: list[float], users: tuple[str, ...] = ("a", "b", "c", "d")) -> EvaluationResult:
    items = np.array([[0, 2], [1, -1], [2, 0], [-1, -1]], dtype=np.int32)
    scores = np.where(items >= 0, 0.5, np.nan).astype(np.float32)
    values = {"ndcg@10": np.array(ndcg), "recall@10": np.array(ndcg) / 2}
    return EvaluationResult(name, users, values, {"coverage@10": 0.75}, TopK(items, scores), 1.5)


GOOD = result("good", [0.9, 0.8, 0.7, 0.65])
POOR = result("poor", [0.1, 0.2, 0.1, 0.15])


def test_means_and_intervals() -> None:
    assert GOOD.mean("ndcg@10") == pytest.approx(0.7625)
    assert GOOD.mean("coverage@10") == 0.75
    interval = GOOD.interval("ndcg@10")
    assert 0.65 <= interval.low < 0.7625 < interval.high <= 0.9
    assert np.isnan(EvaluationResult("none", (), {"ndcg@10": np.array([])}, {}, GOOD.ranked, 0).mean("ndcg@10"))
    with pytest.raises(KeyError):
        GOOD.mean("ndcg@11")


def test_tables() -> None:
    frame = GOOD.to_pandas().set_index("metric")
    assert frame.loc["ndcg@10", "mean"] == pytest.approx(0.7625)
    assert frame.loc["coverage@10", "low"] == 0.75
    assert GOOD.users_to_pandas()["user"].tolist() == ["a", "b", "c", "d"]
    assert "ndcg@10" in str(GOOD)
    assert "4 users" in str(GOOD)


def test_lists_leave_out_empty_ranks() -> None:
    lists = GOOD.lists_to_pandas(["i0", "i1", "i2"])
    assert list(lists[["user", "item", "rank"]].itertuples(index=False, name=None)) == [
        ("a", "i0", 1),
        ("a", "i2", 2),
        ("b", "i1", 1),
        ("c", "i2", 1),
        ("c", "i0", 2),
    ]


def test_comparison_is_paired_and_prints() -> None:
    comparison = Comparison((GOOD, POOR), "poor")
    difference = comparison.differences()["good"]
    assert difference.mean == pytest.approx(0.625)
    assert difference.significant
    frame = comparison.to_pandas().set_index("model")
    assert frame.loc["good", "difference"] == pytest.approx(0.625)
    assert np.isnan(frame.loc["poor", "difference"])
    lines = str(comparison).splitlines()
    assert "ndcg@10 less poor" in lines[0]
    assert "+0.6250" in lines[1]
    assert "p =" not in lines[2]


def test_comparisons_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="baseline 'ease'"):
        Comparison((GOOD, POOR), "ease")
    other = result("other", [0.1, 0.2, 0.3, 0.4], ("a", "b", "c", "e"))
    with pytest.raises(ValueError, match="different users"):
        other.against(GOOD, "ndcg@10")
