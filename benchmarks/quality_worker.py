"""Fit one model on one part of a data set and measure it, or try settings for it; a process of its own for each.

Called by `benchmarks.quality`, which measures the process. Prints JSON; the users' values go into an `.npz`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality_data import SETS, Loaded, load
from benchmarks.quality_models import MODELS, Given, Model
from benchmarks.quality_protocols import ONLY, Part, folds_of, part_of
from benchmarks.running import STAGE
from encoders.search_space import edges
from encoders.text import TextEncoder
from fusion.results import EvaluationResult
from fusion.tuning import proposed
from kg.durable import file_written_whole
from whypath.cli.console import remark
from whypath.models.texts import item_text_vectors

METRICS = tuple(f"{name}@{k}" for k in (10, 20) for name in ("recall", "ndcg", "mrr"))
METRIC = "ndcg@10"
"""What settings are chosen by, and what tests are about."""
TUNING_SEED = 2026


@dataclass(frozen=True)
class Job:
    """One run: a model on a fold of a protocol of a set. fold: 0 where the protocol has one part."""

    set: str
    protocol: str
    fold: int
    model: str
    seed: int


@dataclass(frozen=True)
class Cost:
    """Seconds of wall and of all threads."""

    seconds: float
    cpu_seconds: float


class Clock:
    """Measures the time since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> Cost:
        """Time so far."""
        return Cost(round(time.perf_counter() - self._wall, 3), round(time.process_time() - self._cpu, 3))


def measure(loaded: Loaded, job: Job, settings: Mapping[str, Any], values: Path) -> dict[str, Any]:
    """Fit and evaluate; returns what is recorded, and writes the users' values of every metric to `values`."""
    model = MODELS[job.model]
    part = part_of(loaded, job.protocol, job.fold, job.seed)
    _stage("texts")
    clock = Clock()
    texts = item_text_vectors(loaded.graph, TextEncoder(progress=remark), remark) if _reads(model, loaded) else None
    text_cost = clock.read()
    _stage("train")
    clock = Clock()
    fitted = model.fit(Given(part.train, loaded.graph, part, texts), settings, job.seed)
    train_cost = clock.read()
    _stage("score")
    clock = Clock()
    results = {name: fitted.evaluate(task, job.model) for name, task in part.tasks.items()}
    score_cost = clock.read()
    _write_values(values, results)
    return {
        "data": loaded.digest,
        "sizes": _sizes(part),
        "tasks": {name: _figures(result) for name, result in results.items()},
        "texts": asdict(text_cost),
        "train": asdict(train_cost),
        "score": asdict(score_cost),
        "fitted": dict(fitted.record),
    }


def tune(loaded: Loaded, job: Job, trials: int, out: Path) -> dict[str, Any]:
    """Try settings on the first fold's choice, the defaults first; `out` keeps the trials, and they are continued.

    Returns the best settings. A trial that fails counts as 0: the model cannot be fitted so.
    """
    model = MODELS[job.model]
    choice = part_of(loaded, job.protocol, folds_of(job.protocol)[0], job.seed).choice
    if choice is None:
        raise RuntimeError(f"{job.protocol} of {job.set} has nothing that settings could be chosen on")
    found: list[dict[str, Any]] = json.loads(out.read_text(encoding="utf-8")) if out.exists() else []
    for number in range(len(found), trials):
        tried = [(row["settings"], row[METRIC]) for row in found]
        settings = proposed(model.ranges, tried, TUNING_SEED) if found else dict(model.defaults)
        clock = Clock()
        why = None
        try:
            fitted = model.fit(Given(choice.train, loaded.graph), settings, job.seed)
            value = float(np.mean([fitted.evaluate(t, job.model).mean(METRIC) for t in choice.tasks.values()]))
        except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            value, why = 0.0, str(error)
        found.append({"settings": settings, METRIC: value, **asdict(clock.read()), **({"failed": why} if why else {})})
        with file_written_whole(out) as file:
            file.write(json.dumps(found).encode())
        remark(f"trial {number + 1} of {trials}: {METRIC} {value:.4f} with {settings}")
    best = max(found[:trials], key=lambda row: row[METRIC])
    for name in edges(model.ranges, best["settings"]):
        remark(f"{name} {best['settings'][name]} lies on the edge of its range, {model.ranges[name]}")
    return {
        "settings": best["settings"],
        METRIC: best[METRIC],
        "defaults": found[0][METRIC],
        "trials": trials,
        "seconds": sum(row["seconds"] for row in found[:trials]),
    }


def _reads(model: Model, loaded: Loaded) -> bool:
    return model.reads_texts and loaded.data.has_texts


def _figures(result: EvaluationResult) -> dict[str, Any]:
    return {"users": len(result.users), "metrics": {name: result.mean(name) for name in METRICS}}


def _sizes(part: Part) -> dict[str, int]:
    return {
        "users": len(np.unique(part.train.users)),
        "items": len(np.unique(part.train.items)),
        "events": len(part.train),
        "candidates": next(iter(part.tasks.values())).n_candidates,
        "users_without_history": part.users_without_history,
    }


def _write_values(path: Path, results: Mapping[str, EvaluationResult]) -> None:
    arrays: dict[str, np.ndarray] = {}
    for name, result in results.items():
        arrays[f"users:{name}"] = np.array(result.users, dtype=np.str_)
        arrays.update({f"{metric}:{name}": result.per_user[metric].astype(np.float32) for metric in METRICS})
    path.parent.mkdir(parents=True, exist_ok=True)
    with file_written_whole(path) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def values_of(path: Path, task: str = ONLY, metric: str = METRIC) -> tuple[np.ndarray, np.ndarray]:
    """Users and their values of a metric, as a run wrote them."""
    with np.load(path, allow_pickle=False) as arrays:
        return arrays[f"users:{task}"], arrays[f"{metric}:{task}"].astype(np.float64)


def _stage(name: str) -> None:
    print(f"{STAGE}{name}", file=sys.stderr, flush=True)


def main() -> int:
    """Measure or tune as asked, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", type=json.loads, help="set, protocol, fold, model and seed as JSON")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--settings", type=json.loads, default={})
    parser.add_argument("--trials", type=int)
    arguments = parser.parse_args()
    job = Job(**arguments.job)
    _stage("read")
    loaded = load(SETS[job.set], arguments.work, arguments.shared)
    if arguments.trials is None:
        result = measure(loaded, job, arguments.settings, arguments.out)
    else:
        result = tune(loaded, job, arguments.trials, arguments.out)
    print(json.dumps(result, allow_nan=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
