"""Records of `benchmarks.quality`: a JSON file for each run, the stored settings of the peers, the list of runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.quality_data import SETS
from benchmarks.quality_models import MODELS
from benchmarks.quality_protocols import folds_of, protocols_of
from benchmarks.quality_worker import Job
from benchmarks.records import ROOT, lines_of, made_with, rounded
from kg.durable import file_written_whole

SETTINGS = ROOT / "benchmarks" / "quality_settings.json"
"""The peers' settings, chosen on valid by `tune`."""

_PACKAGES = ("implicit", "rectools", "pytorch-lightning", "rectools-lightfm")


@dataclass(frozen=True)
class Records:
    """A folder of records: `SET/PROTOCOL/MODEL-FOLD-SEED.json`, with an `.npz` of the users' values beside each."""

    folder: Path

    def path(self, job: Job) -> Path:
        """Where a job's record is, or will be."""
        return self.folder / job.set / job.protocol / f"{job.model}-{job.fold}-{job.seed}.json"

    def values(self, job: Job) -> Path:
        """Where the users' values are."""
        return self.path(job).with_suffix(".npz")

    def has(self, job: Job, settings: Mapping[str, Any]) -> bool:
        """Whether the job was run with these settings."""
        path = self.path(job)
        return path.exists() and json.loads(path.read_text(encoding="utf-8"))["settings"] == rounded(dict(settings))

    def write(self, job: Job, row: Mapping[str, Any]) -> None:
        """Write a job's record whole."""
        made = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **made_with()}
        made["versions"] |= {name: found for name in _PACKAGES if (found := _version(name)) is not None}
        path = self.path(job)
        path.parent.mkdir(parents=True, exist_ok=True)
        with file_written_whole(path) as file:
            file.write(lines_of(rounded({**asdict(job), "made": made, **row})).encode())

    def read(self) -> Iterator[tuple[Job, dict[str, Any]]]:
        """All records, in the order of sets, protocols, models, folds and seeds."""
        found = []
        for path in self.folder.glob("*/*/*.json"):
            row = json.loads(path.read_text(encoding="utf-8"))
            found.append((Job(**{name: row[name] for name in Job.__dataclass_fields__}), row))
        return iter(sorted(found, key=lambda pair: _place(pair[0])))

    def join(self, out: Path) -> Path:
        """Write all records into one file, with the versions and machines that they share; returns its path."""
        made: list[dict[str, Any]] = []
        rows = []
        for _, row in self.read():
            at = row["made"].pop("at")
            if row["made"] not in made:
                made.append(row["made"])
            rows.append({**row, "at": at, "made": made.index(row["made"])})
        out.parent.mkdir(parents=True, exist_ok=True)
        with file_written_whole(out) as file:
            file.write(lines_of({"benchmark": "quality", "made": made, "rows": rows}).encode())
        return out


def _place(job: Job) -> tuple[int, int, int, int, int]:
    sets, models = list(SETS), list(MODELS)
    protocols = list(protocols_of(SETS[job.set]))
    return sets.index(job.set), protocols.index(job.protocol), models.index(job.model), job.fold, job.seed


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def stored_settings(path: Path = SETTINGS) -> dict[str, dict[str, dict[str, Any]]]:
    """By set, protocol and model what `tune` found: settings, their value on valid, the number of trials."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def settings_of(job: Job, path: Path = SETTINGS) -> dict[str, Any]:
    """What `tune` found for a job, {} if nothing. Random splits and cold items have the settings of the given split, if
    they have none of their own.
    """
    by_protocol = stored_settings(path).get(job.set, {})
    protocols = (job.protocol, "given") if job.protocol in ("random", "cold") else (job.protocol,)
    found = (by_protocol.get(protocol, {}).get(job.model) for protocol in protocols)
    return next((settings for settings in found if settings is not None), {})


def store_settings(job: Job, found: Mapping[str, Any], path: Path = SETTINGS) -> None:
    """Add what was found for a job's set, protocol and model."""
    stored = stored_settings(path)
    stored.setdefault(job.set, {}).setdefault(job.protocol, {})[job.model] = rounded(dict(found))
    with file_written_whole(path) as file:
        file.write((json.dumps(stored, indent=1, sort_keys=True) + "\n").encode())


CORE_TWINS = {"given": ("whypath-no-graph", "whypath-shuffled", "whypath-no-text"), "last-out": ("whypath-no-time",)}
"""The twins that `--core` has, of ml100k, by protocol."""
CORE = {"ml100k": None, "films-1m": ("last-out",), "lastfm-dbpedia": ("given",)}
"""Sets of `--core` with their protocols, None for all."""


def core_jobs() -> Iterator[Job]:
    """Defaults and peers with one seed on `CORE`."""
    for name, protocols in CORE.items():
        for job in jobs_of([name], protocols, None, [1]):
            twins = CORE_TWINS.get(job.protocol, ()) if name == "ml100k" else ()
            if not job.model.startswith("whypath-") or job.model in twins:
                yield job


def jobs_of(
    sets: list[str], protocols: tuple[str, ...] | list[str] | None, models: list[str] | None, seeds: Sequence[int]
) -> Iterator[Job]:
    """The runs that these name, None for all. A model that draws nothing runs with the first seed alone, except under
    `random`, whose split differs by seed.
    """
    for name in sets:
        data = SETS[name]
        for protocol in protocols_of(data):
            if protocols is not None and protocol not in protocols:
                continue
            for model in MODELS if models is None else models:
                if not MODELS[model].fits(data, protocol):
                    continue
                repeated = MODELS[model].draws or protocol == "random"
                for seed in seeds if repeated else seeds[:1]:
                    for fold in folds_of(protocol):
                        yield Job(name, protocol, fold, model, seed)
