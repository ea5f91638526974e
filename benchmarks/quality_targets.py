"""What `benchmarks.quality` is measured against: absolute figures, ratios to the best peer, what a graph is worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality_models import WHYPATH
from benchmarks.quality_results import Results, Task
from fusion.significance import PairedDifference, paired_difference

TWIN = "whypath-no-graph"


@dataclass(frozen=True)
class Target:
    """value: the least value of a metric; or ratio: the least ratio to the best peer."""

    set: str
    protocol: str
    metric: str = "ndcg@10"
    value: float | None = None
    ratio: float | None = None


TARGETS = (
    Target("ml100k", "given", value=0.2640),
    Target("ml100k", "last-out", ratio=1.05),
    Target("ml100k", "time", ratio=1.1),
    Target("films-1m", "last-out", ratio=1.05),
    Target("films-1m", "time", ratio=1.05),
    Target("films-1m", "random", ratio=1.05),
    Target("films-1m", "cold", ratio=1.1),
    Target("ml100k", "newcomers", ratio=1.05),
    Target("films-1m", "newcomers", ratio=1.05),
    Target("lastfm-dbpedia", "given", value=0.2640),
    Target("music", "given", "ndcg@20", value=0.2285),
    Target("amazon-book", "given", "recall@20", value=0.1825),
    Target("amazon-book", "given", "ndcg@20", value=0.1070),
    Target("fashion", "given", "recall@20", value=0.0300),
    Target("ml100k", "cold", value=0.335),
    Target("lastfm-dbpedia", "cold", ratio=1.2),
    Target("fashion", "cold", ratio=1.2),
)


@dataclass(frozen=True)
class Verdict:
    """A target on one task: what is asked, what was measured, and against which model."""

    target: Target
    task: Task
    asked: float
    reached: float
    against: str | None

    @property
    def is_met(self) -> bool:
        return self.reached >= self.asked


def verdicts(results: Results) -> Iterator[Verdict]:
    """The targets whose task was measured."""
    for target in TARGETS:
        for task, models in results.tasks.items():
            if (task.set, task.protocol) != (target.set, target.protocol) or WHYPATH not in models:
                continue
            if not models[WHYPATH].is_whole(task.protocol):
                continue
            reached = models[WHYPATH].mean(target.metric)
            if target.value is not None:
                yield Verdict(target, task, target.value, reached, None)
                continue
            other = results.best_peer(task)
            if other is not None and target.ratio is not None:
                yield Verdict(target, task, target.ratio * other.mean(target.metric), reached, other.model)


def unmeasured(results: Results) -> list[Target]:
    """The targets of which nothing was measured."""
    measured = {verdict.target for verdict in verdicts(results)}
    return [target for target in TARGETS if target not in measured]


def graph_worth(results: Results) -> Iterator[tuple[str, float, PairedDifference, int]]:
    """For each set: WhyPath's nDCG@10, WhyPath less its retrained twin without a graph, and the number of splits; users
    are pooled over the given and all random splits.
    """
    pooled: dict[str, tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]] = {}
    for task, models in results.tasks.items():
        if task.protocol in ("given", "random") and WHYPATH in models and TWIN in models:
            own, twin = models[WHYPATH], models[TWIN]
            firsts, seconds = pooled.setdefault(task.set, ([], []))
            for unit in sorted(own.units & twin.units):
                firsts.append(own.of("ndcg@10", [unit]))
                seconds.append(twin.of("ndcg@10", [unit]))
    for name, (firsts, seconds) in pooled.items():
        if firsts:
            own, twin = np.concatenate(firsts), np.concatenate(seconds)
            yield name, float(own.mean()), paired_difference(own, twin), len(firsts)
