"""A JSON record of an evaluation: on which data, with which settings, seed, versions and machine, and what came out."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from fusion.results import EvaluationResult
from kg.durable import flush
from kg.interactions import Interactions

PACKAGES = ("whypath", "numpy", "scipy", "torch", "torch-geometric", "transformers", "pandas", "pyarrow")
"""Packages whose versions can change a figure."""


@dataclass(frozen=True)
class Machine:
    """Where a figure was measured."""

    system: str
    processor: str
    cores: int
    threads: str | None
    """OMP_NUM_THREADS, None where it is not set."""
    python: str

    @classmethod
    def here(cls) -> Machine:
        """This machine."""
        return cls(
            platform.platform(),
            platform.processor() or platform.machine(),
            os.cpu_count() or 1,
            os.environ.get("OMP_NUM_THREADS"),
            platform.python_version(),
        )


@dataclass(frozen=True)
class EvaluationRecord:
    """Everything needed to repeat an evaluation and to compare with it."""

    model: str
    data: Mapping[str, str]
    """Digest of each part of the data, by name: `interactions_digest`, the graph's digest."""
    settings: Mapping[str, object]
    seed: int
    users: int
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    seconds: Mapping[str, float]
    """Time of each step, by name."""
    versions: Mapping[str, str]
    machine: Machine
    written: str
    """UTC, ISO 8601."""

    @classmethod
    def of(
        cls,
        result: EvaluationResult,
        *,
        data: Mapping[str, str],
        settings: Mapping[str, object],
        seed: int,
        seconds: Mapping[str, float] | None = None,
    ) -> EvaluationRecord:
        """The record of a result; `seconds` are further times, as that of training."""
        intervals = {metric: result.interval(metric) for metric in result.per_user}
        return cls(
            model=result.name,
            data=dict(data),
            settings=dict(settings),
            seed=seed,
            users=len(result.users),
            metrics={metric: result.mean(metric) for metric in result.metrics},
            intervals={metric: (interval.low, interval.high) for metric, interval in intervals.items()},
            seconds={**(seconds or {}), "ranking": result.seconds},
            versions=_versions(),
            machine=Machine.here(),
            written=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def write(self, file: Path) -> None:
        """Write as JSON; the file appears whole or not at all."""
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
        partial.write_text(json.dumps(asdict(self), indent=2, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
        flush(partial)
        partial.replace(file)
        flush(file.parent)


def interactions_digest(interactions: Interactions, item_ids: Sequence[str]) -> str:
    """Digest of the (user, item, weight, time) events by outside ids: equal for equal events, whatever their order."""
    digests = []
    none = np.full(len(interactions), np.nan)
    weights = none if interactions.weights is None else interactions.weights
    times = none if interactions.times is None else interactions.times
    for user, item, weight, moment in zip(interactions.users, interactions.items, weights, times, strict=True):
        event = json.dumps([interactions.user_ids[user], item_ids[item], float(weight), float(moment)])
        digests.append(hashlib.blake2b(event.encode(), digest_size=16).digest())
    return hashlib.blake2b(b"".join(sorted(digests)), digest_size=16).hexdigest()


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
