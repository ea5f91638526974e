"""`EvaluationResult`: the metrics of an evaluation per user; prints as a table, compares with a baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fusion.ranking import TopK
from fusion.significance import Interval, PairedDifference, bootstrap_interval, paired_difference

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class EvaluationResult:
    """Metrics of one model on one task.

    users: ids of the test users. per_user: `ndcg@10` to values [n_users] in that order. overall: metrics over the
    lists of all users, such as `coverage@10`. ranked: the lists, item indices of the task's catalogue. seconds: time
    spent on scoring and ranking.
    """

    name: str
    users: tuple[str, ...]
    per_user: Mapping[str, NDArray[np.float64]]
    overall: Mapping[str, float]
    ranked: TopK = field(repr=False)
    seconds: float

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of all metrics."""
        return (*self.per_user, *self.overall)

    def mean(self, metric: str) -> float:
        """Mean over users of a metric (NaN without users), or the value of one over all lists; KeyError if unknown."""
        if metric in self.overall:
            return self.overall[metric]
        values = self.per_user[metric]
        return float(values.mean()) if len(values) else float("nan")

    def interval(self, metric: str, *, level: float = 0.95, seed: int = 0) -> Interval:
        """Bootstrap interval of the mean over users."""
        return bootstrap_interval(self.per_user[metric], level=level, seed=seed)

    def against(self, baseline: EvaluationResult, metric: str, *, seed: int = 0) -> PairedDifference:
        """This model less the baseline, paired over users; raises ValueError if the users differ."""
        if self.users != baseline.users:
            raise ValueError(f"{self.name} and {baseline.name} were evaluated on different users")
        return paired_difference(self.per_user[metric], baseline.per_user[metric], seed=seed)

    def to_pandas(self) -> pd.DataFrame:
        """One row per metric: metric, mean, low, high (95 % bootstrap interval; the mean where there is none)."""
        import pandas as pd

        rows = []
        for metric in self.metrics:
            mean = self.mean(metric)
            interval = self.interval(metric) if metric in self.per_user else Interval(mean, mean)
            rows.append({"metric": metric, "mean": mean, "low": interval.low, "high": interval.high})
        return pd.DataFrame(rows, columns=["metric", "mean", "low", "high"])

    def users_to_pandas(self) -> pd.DataFrame:
        """One row per user, one column per metric."""
        import pandas as pd

        return pd.DataFrame({"user": list(self.users), **self.per_user})

    def lists_to_pandas(self, item_ids: Sequence[str]) -> pd.DataFrame:
        """The lists as rows user, item, rank, score; `item_ids` are the catalogue's outside ids."""
        import pandas as pd

        rows, ranks = np.nonzero(self.ranked.items >= 0)
        return pd.DataFrame(
            {
                "user": [self.users[row] for row in rows],
                "item": [item_ids[item] for item in self.ranked.items[rows, ranks]],
                "rank": ranks + 1,
                "score": self.ranked.scores[rows, ranks],
            }
        )

    def __str__(self) -> str:
        lines = [f"{self.name}: {len(self.users):,} users, {self.seconds:.1f} s"]
        for metric in self.metrics:
            line = f"  {metric:<14} {self.mean(metric):7.4f}"
            if metric in self.per_user:
                interval = self.interval(metric)
                line += f"   {interval.low:.4f} to {interval.high:.4f}"
            lines.append(line)
        return "\n".join(lines)


@dataclass(frozen=True)
class Comparison:
    """Several models on one task, one of them the baseline of the paired tests; prints as a table."""

    results: tuple[EvaluationResult, ...]
    baseline: str
    metric: str = "ndcg@10"

    def __post_init__(self) -> None:
        names = [result.name for result in self.results]
        if self.baseline not in names:
            raise ValueError(f"the baseline {self.baseline!r} is not among {', '.join(names)}")

    def differences(self) -> dict[str, PairedDifference]:
        """Each model but the baseline, against it, on `metric`."""
        base = next(result for result in self.results if result.name == self.baseline)
        return {result.name: result.against(base, self.metric) for result in self.results if result is not base}

    def to_pandas(self) -> pd.DataFrame:
        """One row per model: its metrics' means, then difference, p and interval against the baseline on `metric`."""
        import pandas as pd

        differences = self.differences()
        rows = []
        for result in self.results:
            row: dict[str, object] = {"model": result.name}
            row.update({metric: result.mean(metric) for metric in result.metrics})
            if result.name in differences:
                delta = differences[result.name]
                row.update(difference=delta.mean, p=delta.p_value, low=delta.interval.low, high=delta.interval.high)
            rows.append(row)
        return pd.DataFrame(rows)

    def __str__(self) -> str:
        shown = [metric for metric in self.results[0].metrics if metric.endswith(self.metric.rpartition("@")[2])]
        differences = self.differences()
        width = max(len(result.name) for result in self.results)
        lines = [
            " ".join([" " * width, *(f"{metric:>12}" for metric in shown), f"  {self.metric} less {self.baseline}"])
        ]
        for result in self.results:
            cells = [f"{result.mean(metric):12.4f}" for metric in shown]
            delta = differences.get(result.name)
            test = (
                "" if delta is None else f"  {delta.mean:+.4f} ± {delta.standard_error:.4f} (p = {delta.p_value:.2g})"
            )
            lines.append(" ".join([f"{result.name:<{width}}", *cells, test]).rstrip())
        return "\n".join(lines)
