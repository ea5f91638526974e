"""Results of the quality harness: pairing over folds, means over seeds, targets, what a graph is worth."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.quality_results import Result, Results, Task, Unit
from benchmarks.quality_targets import graph_worth, verdicts
from benchmarks.quality_worker import METRICS


def result_of(model: str, values: dict[Unit, list[list[float]]]) -> Result:
    """values: by unit, for each seed the users' values of every metric."""
    units = {unit: [np.array(run) for run in runs] for unit, runs in values.items()}
    users = {unit: np.array([f"u{n}" for n in range(len(runs[0]))]) for unit, runs in units.items()}
    return Result(model, values=dict.fromkeys(METRICS, units), users=users)


GIVEN, RANDOM, COLD = Task("ml100k", "given", ""), Task("ml100k", "random", ""), Task("ml100k", "cold", "")


def test_users_values_are_means_over_seeds_and_pooled_over_folds() -> None:
    own = result_of("whypath", {(1, 0): [[0.2, 0.4], [0.4, 0.8]], (2, 0): [[1.0, 0.0, 0.5]]})
    other = result_of("ease", {(2, 0): [[0.5, 0.0, 0.0]], (3, 0): [[0.1, 0.1]]})
    assert own.of("ndcg@10", own.units).tolist() == pytest.approx([0.3, 0.6, 1.0, 0.0, 0.5])
    assert own.mean("ndcg@10") == pytest.approx((0.45 + 0.5) / 2)
    difference = own.against(other, "ndcg@10")
    assert difference is not None
    assert difference.n_users == 3
    assert difference.mean == pytest.approx(1 / 3)
    assert own.against(result_of("ease", {(9, 0): [[0.5, 0.0]]}), "ndcg@10") is None
    assert not own.is_whole("cold")


def test_other_users_are_not_paired() -> None:
    own, other = (result_of(name, {(0, 0): [[0.1, 0.2]]}) for name in ("whypath", "ease"))
    other.users[0, 0] = np.array(["u0", "u9"])
    assert own.against(other, "ndcg@10") is None


def test_targets_are_of_whole_protocols_and_the_best_peer() -> None:
    whole = {(fold, 0): [[0.5, 0.1]] for fold in range(1, 6)}
    part = {(1, 0): [[0.9, 0.9]]}
    results = Results(
        {
            GIVEN: {"whypath": result_of("whypath", {(0, 0): [[0.27, 0.27]]})},
            COLD: {
                "whypath": result_of("whypath", part),
                "popularity": result_of("popularity", whole),
                "shared-entities": result_of("shared-entities", part),
            },
        },
        (),
    )
    best = results.best_peer(COLD)
    assert best is not None
    assert best.model == "popularity"
    (verdict,) = verdicts(results)
    assert verdict.task == GIVEN
    assert verdict.asked == 0.264
    assert verdict.is_met


def test_the_graphs_worth_is_pooled_over_splits() -> None:
    results = Results(
        {
            GIVEN: {
                "whypath": result_of("whypath", {(0, 0): [[0.4, 0.2]]}),
                "whypath-no-graph": result_of("whypath-no-graph", {(0, 0): [[0.3, 0.2]]}),
            },
            RANDOM: {
                "whypath": result_of("whypath", {(0, 1): [[0.5]], (0, 2): [[0.6]]}),
                "whypath-no-graph": result_of("whypath-no-graph", {(0, 2): [[0.4]], (0, 3): [[0.0]]}),
            },
        },
        (),
    )
    ((name, mean, difference, splits),) = graph_worth(results)
    assert (name, splits) == ("ml100k", 2)
    assert mean == pytest.approx(0.4)
    assert difference.mean == pytest.approx(0.1)
