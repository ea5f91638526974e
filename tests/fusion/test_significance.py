from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from fusion.significance import bootstrap_interval, paired_difference

VALUES = hnp.arrays(np.float64, st.integers(2, 30), elements=st.floats(0, 1, width=16))


def test_the_paired_test_equals_scipys() -> None:
    rng = np.random.default_rng(0)
    ours, baseline = rng.random(80), rng.random(80)
    found = paired_difference(ours, baseline)
    expected = stats.ttest_rel(ours, baseline)
    assert found.mean == pytest.approx((ours - baseline).mean())
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.standard_error == pytest.approx(stats.sem(ours - baseline))
    assert found.p_normal < found.p_value
    assert found.n_users == 80


def test_the_bootstrap_interval_is_near_the_normal_one() -> None:
    values = np.random.default_rng(1).normal(0.3, 1.0, 500)
    interval = bootstrap_interval(values)
    error = values.std(ddof=1) / np.sqrt(500)
    assert interval.low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert interval.high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)
    assert bootstrap_interval(values, level=0.5).high < interval.high


@given(values=VALUES, seed=st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_intervals_lie_within_the_values_and_repeat(values: np.ndarray, seed: int) -> None:
    interval = bootstrap_interval(values, rounds=50, seed=seed)
    assert values.min() - 1e-9 <= interval.low <= interval.high <= values.max() + 1e-9
    assert bootstrap_interval(values, rounds=50, seed=seed) == interval


@given(values=VALUES)
@settings(max_examples=25, deadline=None)
def test_swapping_the_models_turns_the_sign(values: np.ndarray) -> None:
    baseline = values[::-1].copy()
    there, back = paired_difference(values, baseline, rounds=20), paired_difference(baseline, values, rounds=20)
    assert there.mean == pytest.approx(-back.mean)
    assert there.p_value == pytest.approx(back.p_value)


def test_equal_models_do_not_differ() -> None:
    values = np.array([0.1, 0.5, 0.9])
    same = paired_difference(values, values)
    assert (same.mean, same.p_value, same.significant) == (0, 1, False)
    constant = paired_difference(values + 0.5, values)
    assert constant.significant
    assert "+0.5000" in str(constant)


def test_what_cannot_be_tested_is_refused() -> None:
    with pytest.raises(ValueError, match="same users"):
        paired_difference(np.ones(3), np.ones(4))
    with pytest.raises(ValueError, match="two users"):
        paired_difference(np.ones(1), np.ones(1))
    assert np.isnan(bootstrap_interval(np.array([])).low)
