"""Significance of a difference: bootstrap intervals of a mean over users, paired tests of two models on the same users.

Distributions are those of scipy. `scipy.stats.bootstrap` and `ttest_rel` refuse a single user, and give NaN for equal
models, so a wrapper of them would be longer than this module.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROUNDS = 2000
"""Bootstrap draws; the ends of a 95 % interval then vary by about 3 % of its width from seed to seed."""


@dataclass(frozen=True)
class Interval:
    """A percentile bootstrap interval of a mean."""

    low: float
    high: float


@dataclass(frozen=True)
class PairedDifference:
    """The mean difference of two models over the same users, and its significance."""

    mean: float
    standard_error: float
    p_value: float
    """Two-sided paired t-test."""
    p_normal: float
    """The same with the normal distribution in place of Student's."""
    interval: Interval
    """95 % bootstrap interval of the mean difference."""
    n_users: int

    @property
    def significant(self) -> bool:
        """At the 5 % level by the t-test."""
        return self.p_value < 0.05

    def __str__(self) -> str:
        return (
            f"{self.mean:+.4f} ± {self.standard_error:.4f} (p = {self.p_value:.2g}, "
            f"95 % interval {self.interval.low:+.4f} to {self.interval.high:+.4f}, {self.n_users} users)"
        )


def bootstrap_interval(
    values: NDArray[np.float64], *, level: float = 0.95, rounds: int = ROUNDS, seed: int = 0
) -> Interval:
    """Percentile bootstrap interval of the mean of `values` [n_users]; NaN at both ends if there are none."""
    if not len(values):
        return Interval(float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    # One draw at a time: indices [rounds, users] would take gigabytes for a million users.
    means = np.array([values[rng.integers(0, len(values), len(values))].mean() for _ in range(rounds)])
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(low), float(high))


def paired_difference(
    values: NDArray[np.float64], baseline: NDArray[np.float64], *, rounds: int = ROUNDS, seed: int = 0
) -> PairedDifference:
    """Compare two models user by user; both arrays are [n_users] in the same order of users.

    Raises ValueError for different lengths or fewer than two users.
    """
    if len(values) != len(baseline):
        raise ValueError(f"not the same users: {len(values)} values against {len(baseline)}")
    if len(values) < 2:
        raise ValueError("a paired test needs at least two users")
    difference = values - baseline
    mean = float(difference.mean())
    error = float(difference.std(ddof=1) / np.sqrt(len(difference)))
    if error == 0:
        p_value = p_normal = 1.0 if mean == 0 else 0.0
    else:
        # It takes a second to import, and opening a bundle does not need it.
        from scipy import stats

        p_value = float(2 * stats.t.sf(abs(mean) / error, len(difference) - 1))
        p_normal = float(2 * stats.norm.sf(abs(mean) / error))
    interval = bootstrap_interval(difference, rounds=rounds, seed=seed)
    return PairedDifference(mean, error, p_value, p_normal, interval, len(difference))
