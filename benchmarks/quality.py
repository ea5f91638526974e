"""Measure WhyPath, its retrained twins and its peers on six data sets under six protocols; write a report.

  run      fit and measure; one process and one JSON record for each model, fold and seed; what has a record is not run
           again, so that an interrupted run continues
  tune     choose the peers' settings on valid, each with the same number of trials, and store them
  report   write docs/quality.md and its plots from the records, and all records into one file

Data sets, protocols and models are described in benchmarks/quality_{data,protocols,models}.py. Packages of peers are in
benchmarks/requirements.txt; a peer whose package is not installed is left out."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.quality_data import SETS, SHARED, DataMissing, prepare
from benchmarks.quality_models import MODELS, WHYPATH
from benchmarks.quality_protocols import PROTOCOLS, protocols_of
from benchmarks.quality_records import (
    SETTINGS,
    Records,
    core_jobs,
    jobs_of,
    settings_of,
    store_settings,
    stored_settings,
)
from benchmarks.quality_report import write_report
from benchmarks.quality_worker import METRIC, Job
from benchmarks.records import ROOT, run_script
from benchmarks.running import CommandFailed, run
from whypath.cli.console import remark

EXAMPLES = """\
examples:
  python -m benchmarks.quality run --core
  python -m benchmarks.quality run --sets ml100k --protocols given last-out --models whypath ease --seeds 1 2
  python -m benchmarks.quality tune --sets music --trials 30
  python -m benchmarks.quality run --all --trials 30
  python -m benchmarks.quality report
"""
TRIALS = 30
ALL_SEEDS = (1, 2, 3, 4, 5)
_START = 3.0
"""Seconds that a process takes to start and to read its set."""
_WORKER = (sys.executable, "-m", "benchmarks.quality_worker")


class Harness:
    """Prepares sets, runs jobs in processes, and keeps their records."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._work: Path = arguments.work / "quality"
        self._shared: Path = arguments.shared
        self._wheels: Path | None = arguments.wheels
        self._settings: Path = arguments.settings
        self.records = Records(arguments.records)
        self._prepared: dict[str, bool] = {}

    def can_run(self, job: Job) -> bool:
        """Whether the job's set is there (it is prepared now if need be) and its model installed; tells why not."""
        if not MODELS[job.model].is_installed:
            self._tell_once(f"{job.model} is left out: the package {MODELS[job.model].package} is not installed")
            return False
        if job.set not in self._prepared:
            try:
                prepare(SETS[job.set], self._work, self._shared, remark, self._wheels)
                self._prepared[job.set] = True
            except DataMissing as error:
                remark(f"{job.set} is left out: {error}")
                self._prepared[job.set] = False
        return self._prepared[job.set]

    def run(self, jobs: Iterable[Job], *, again: bool = False) -> None:
        """Run the jobs that have no record with the stored settings; those that fail are recorded with the reason."""
        todo = [job for job in jobs if again or not self.records.has(job, self._stored(job)["settings"])]
        todo = [job for job in todo if self.can_run(job)]
        started = time.monotonic()
        for number, job in enumerate(todo):
            passed = (time.monotonic() - started) / 60
            remark(f"== {number + 1} of {len(todo)}, after {passed:.0f} min{self.left(todo[number:])}: {_name(job)}")
            self._run(job)

    def _run(self, job: Job) -> None:
        stored = self._stored(job)
        settings = stored["settings"]
        row: dict[str, Any] = {"settings": settings, "tuned": _tuned(stored)}
        try:
            took = run(
                [*_WORKER, *self._arguments(job, self.records.values(job)), "--settings", json.dumps(settings)],
                tell=remark,
            )
        except CommandFailed as error:
            # The last line says what is wrong; others are places of this machine.
            row["failed"] = str(error).splitlines()[-1]
            remark(f"{_name(job)} failed: {row['failed']}")
        else:
            row |= json.loads(took.output)
            stages = {stage.name: stage.peak_mb for stage in took.stages}
            row["process"] = {**took.to_json(), "peak_mb_by_stage": stages}
            figures = {name: f"{task['metrics'][METRIC]:.4f}" for name, task in row["tasks"].items()}
            remark(f"{_name(job)}: {METRIC} {', '.join(f'{n} {f}'.strip() for n, f in figures.items())}")
        self.records.write(job, row)

    def tune(self, jobs: Iterable[Job], trials: int, *, again: bool = False) -> None:
        """Choose settings for every set, protocol and peer that has ranges, unless so many trials were made."""
        asked = dict.fromkeys(Job(job.set, job.protocol, 0, job.model, 1) for job in jobs)
        for job in asked:
            known = self._stored(job).get("trials", 0)
            # Cold items have no valid part, and the peers that serve them nothing to tune.
            if job.protocol == "cold" or not MODELS[job.model].ranges or (known >= trials and not again):
                continue
            if not self.can_run(job):
                continue
            remark(f"== tuning {_name(job)}")
            trace = self._work / "tuning" / job.set / job.protocol / f"{job.model}.json"
            trace.parent.mkdir(parents=True, exist_ok=True)
            if again:
                trace.unlink(missing_ok=True)
            try:
                took = run([*_WORKER, *self._arguments(job, trace), "--trials", str(trials)], tell=remark)
            except CommandFailed as error:
                remark(f"{_name(job)} cannot be tuned: {str(error).splitlines()[-1]}")
                continue
            store_settings(job, json.loads(took.output), self._settings)

    def _stored(self, job: Job) -> dict[str, Any]:
        return settings_of(job, self._settings) or {"settings": dict(MODELS[job.model].defaults)}

    def _arguments(self, job: Job, out: Path) -> list[str]:
        places = ["--work", str(self._work), "--shared", str(self._shared), "--out", str(out)]
        return [json.dumps(asdict(job)), *places]

    def left(self, todo: Sequence[Job]) -> str:
        """How long the rest takes: by the records of the same models on the same sets, by those of the full model for
        its twins; before there are any, by the trials of tuning and by what training may take.
        """
        known: dict[tuple[str, str], list[float]] = {}
        for job, row in self.records.read():
            if "process" in row:
                known.setdefault((job.set, job.model), []).append(row["process"]["seconds"])
        seconds, unknown = 0.0, 0
        for job in todo:
            like = WHYPATH if job.model.startswith(WHYPATH) else job.model
            found = known.get((job.set, job.model)) or known.get((job.set, like))
            by_protocol = stored_settings(self._settings).get(job.set, {}).values()
            tuned = next((models[job.model] for models in by_protocol if job.model in models), {})
            if found is not None:
                seconds += sum(found) / len(found)
            elif like == WHYPATH:
                seconds += SETS[job.set].seconds
            elif "seconds" in tuned:
                seconds += _START + tuned["seconds"] / tuned["trials"]
            elif not MODELS[job.model].ranges:
                seconds += _START
            else:
                unknown += 1
        runs = f"{unknown} run{'s'[: unknown > 1]} of unknown length" if unknown else ""
        if unknown == len(todo):
            return f", {runs} left"
        return f", about {seconds / 60:.0f} min left" + (f" and {runs}" if runs else "")

    def _tell_once(self, line: str) -> None:
        if line not in self._prepared:
            self._prepared[line] = True
            remark(line)


def _tuned(stored: Mapping[str, Any]) -> dict[str, Any] | None:
    return {name: stored[name] for name in ("trials", METRIC, "seconds")} if "trials" in stored else None


def _name(job: Job) -> str:
    fold = f", fold {job.fold}" if job.fold else ""
    return f"{job.model} on {job.set}, {job.protocol}{fold}, seed {job.seed}"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = made.add_subparsers(dest="command", required=True)
    for name in ("run", "tune", "report"):
        command = commands.add_parser(name)
        command.add_argument(
            "--records",
            type=Path,
            default=ROOT / "benchmarks" / "out" / "quality" / "records",
            metavar="DIR",
            help="folder of the records (default benchmarks/out/quality/records)",
        )
        command.add_argument(
            "--settings", type=Path, default=SETTINGS, metavar="FILE", help="the peers' settings (default: the stored)"
        )
        if name == "report":
            command.add_argument("--docs", type=Path, default=ROOT / "docs", metavar="DIR", help="default docs/")
            command.add_argument(
                "--json",
                type=Path,
                default=ROOT / "benchmarks" / "results" / "quality.json",
                metavar="OUT",
                help="all records in one file (default benchmarks/results/quality.json)",
            )
            continue
        command.add_argument("--sets", nargs="+", choices=SETS, metavar="SET", help="default: all")
        command.add_argument("--protocols", nargs="+", choices=PROTOCOLS, metavar="P", help="default: all of a set")
        command.add_argument("--models", nargs="+", choices=MODELS, metavar="MODEL", help="default: all")
        command.add_argument("--again", action="store_true", help="also what was done before")
        command.add_argument(
            "--trials", type=int, default=TRIALS, metavar="N", help=f"for each peer (default {TRIALS})"
        )
        command.add_argument(
            "--work",
            type=Path,
            default=ROOT / "benchmarks" / "out",
            metavar="DIR",
            help="folder for domains, stores and trials (default benchmarks/out)",
        )
        command.add_argument(
            "--shared", type=Path, default=SHARED, metavar="DIR", help="given sets (default ../shared)"
        )
        command.add_argument(
            "--wheels", type=Path, metavar="DIR", help="MovieLens's sources, where there is no network"
        )
        if name == "run":
            command.add_argument("--seeds", type=int, nargs="+", metavar="N", help="default 1; with --all 1 to 5")
            extent = command.add_mutually_exclusive_group()
            extent.add_argument("--core", action="store_true", help="defaults, seed 1, three sets")
            extent.add_argument("--all", action="store_true", help="tune what is not tuned, then everything")
    return made


def asked_jobs(arguments: argparse.Namespace) -> list[Job]:
    """The runs that the options name."""
    seeds = getattr(arguments, "seeds", None) or list(ALL_SEEDS if getattr(arguments, "all", False) else (1,))
    if getattr(arguments, "core", False):
        named = set(jobs_of(arguments.sets or list(SETS), arguments.protocols, arguments.models, seeds))
        return [job for job in core_jobs() if job in named]
    return list(jobs_of(arguments.sets or list(SETS), arguments.protocols, arguments.models, seeds))


def main() -> int:
    """Run, tune or report."""
    arguments = parser().parse_args()
    if arguments.command == "report":
        records, settings = Records(arguments.records), stored_settings(arguments.settings)
        if not any(True for _ in records.read()):
            raise RuntimeError(f"{arguments.records} has no record: run something first; no report was written")
        for path in [*write_report(records, settings, arguments.docs), records.join(arguments.json)]:
            print(path)
        return 0
    # So that the process of the current run ends as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    harness = Harness(arguments)
    jobs = asked_jobs(arguments)
    if not jobs:
        possible = "; ".join(f"{name}: {', '.join(protocols_of(data))}" for name, data in SETS.items())
        raise RuntimeError(f"no such run: a set has some protocols only ({possible}), and not every model fits each")
    if arguments.command == "tune" or arguments.all:
        harness.tune(jobs, arguments.trials, again=arguments.again)
    if arguments.command == "run":
        harness.run(jobs, again=arguments.again)
    return 0


if __name__ == "__main__":
    run_script(main)
