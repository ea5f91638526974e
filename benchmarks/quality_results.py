"""Join the records of `benchmarks.quality` into results: a model's users' values over folds and seeds, and tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality_models import MODELS
from benchmarks.quality_protocols import folds_of
from benchmarks.quality_records import Records
from benchmarks.quality_worker import METRICS, Job, values_of
from fusion.significance import Interval, PairedDifference, bootstrap_interval, paired_difference

Unit = tuple[int, int]
"""A fold, and the seed of the split under `random` (else 0): one set of test users."""


@dataclass
class Result:
    """A model on a task of a protocol. runs: its records; `values` of a metric are means over seeds for every user."""

    model: str
    runs: list[tuple[Job, Mapping[str, Any]]] = field(default_factory=list)
    values: dict[str, dict[Unit, list[NDArray[np.float64]]]] = field(default_factory=dict)
    users: dict[Unit, NDArray[np.str_]] = field(default_factory=dict)

    @cached_property
    def units(self) -> frozenset[Unit]:
        """What the model was tested on."""
        return frozenset(self.users)

    def of(self, metric: str, units: Iterable[Unit]) -> NDArray[np.float64]:
        """The users' values, users of all folds in one row."""
        return np.concatenate([np.mean(self.values[metric][unit], axis=0) for unit in sorted(units)])

    def mean(self, metric: str) -> float:
        """Mean over folds of the mean over users."""
        return float(np.mean([np.mean(runs) for runs in self.values[metric].values()]))

    def interval(self, metric: str) -> Interval:
        """Bootstrap interval over users."""
        return bootstrap_interval(self.of(metric, self.units))

    def against(self, other: Result, metric: str) -> PairedDifference | None:
        """This less the other, paired over the users of the folds and splits that both were tested on."""
        common = [unit for unit in self.units & other.units if np.array_equal(self.users[unit], other.users[unit])]
        return paired_difference(self.of(metric, common), other.of(metric, common)) if common else None

    def is_whole(self, protocol: str) -> bool:
        """Whether the model was tested on all folds of its protocol."""
        return {fold for fold, _ in self.units} == set(folds_of(protocol))

    @property
    def seeds(self) -> int:
        return len({job.seed for job, _ in self.runs})

    def cost(self, *keys: str) -> list[float]:
        """A cost of every run, such as `cost("train", "seconds")`."""
        found = []
        for _, row in self.runs:
            value: Any = row
            for key in keys:
                value = value[key]
            found.append(float(value))
        return found


@dataclass(frozen=True)
class Task:
    """A set, a protocol and the name of its task; sorts as tables are shown."""

    set: str
    protocol: str
    name: str

    @property
    def title(self) -> str:
        return f"{self.set}, {self.protocol}" + (f", first {self.name}" if self.name else "")


@dataclass(frozen=True)
class Failure:
    """A run that ended with an error."""

    job: Job
    reason: str


@dataclass(frozen=True)
class Results:
    """All results by task and model; runs that failed; and what is missing."""

    tasks: Mapping[Task, Mapping[str, Result]]
    failures: tuple[Failure, ...]

    def best_peer(self, task: Task) -> Result | None:
        """The peer with the highest nDCG@10 among those tested on all folds."""
        peers = [result for result in self.tasks[task].values() if MODELS[result.model].is_peer]
        whole = [result for result in peers if result.is_whole(task.protocol)]
        return max(whole, key=lambda result: result.mean("ndcg@10"), default=None)


def results_of(records: Records) -> Results:
    """Read all records. A set's runs on other data than its latest ones are failures: they cannot be compared."""
    tasks: dict[Task, dict[str, Result]] = {}
    failures: list[Failure] = []
    rows = list(records.read())
    data = {job.set: row["data"] for job, row in sorted(rows, key=lambda pair: pair[1]["made"]["at"]) if "data" in row}
    for job, row in rows:
        if "failed" in row:
            failures.append(Failure(job, row["failed"]))
            continue
        if row["data"] != data[job.set]:
            failures.append(Failure(job, "measured on other data than the latest runs of the set; run it with --again"))
            continue
        unit = (job.fold, job.seed if job.protocol == "random" else 0)
        for name in row["tasks"]:
            result = tasks.setdefault(Task(job.set, job.protocol, name), {}).setdefault(job.model, Result(job.model))
            result.runs.append((job, row))
            for metric in METRICS:
                users, values = values_of(records.values(job), name, metric)
                result.users.setdefault(unit, users)
                result.values.setdefault(metric, {}).setdefault(unit, []).append(values)
    return Results(tasks, tuple(failures))
