"""Write the report of `benchmarks.quality`: docs/quality.md with tables and targets, and its plots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality_models import MODELS, WHYPATH
from benchmarks.quality_plots import plot_set
from benchmarks.quality_records import Records
from benchmarks.quality_results import Result, Results, Task, results_of
from benchmarks.quality_targets import Verdict, graph_worth, unmeasured, verdicts
from benchmarks.quality_worker import METRICS
from benchmarks.records import difference_cell, markdown_table
from encoders.search_space import edges
from kg.durable import file_written_whole

METRIC = "ndcg@10"

INTRODUCTION = """\
# Quality

WhyPath with its default settings, its retrained twins, and tuned peers, on six data sets and under six protocols. All
models of a table have the same split, candidates, exclusions and order of equal scores, and are measured by
`fusion.evaluation`. This page is written by

```
pip install -r benchmarks/requirements.txt && pip install --no-deps rectools==0.19.0 rectools-lightfm==1.17.3
python -m benchmarks.quality run --core     # or --all
python -m benchmarks.quality report
```

| protocol | test | settings of peers chosen on |
|---|---|---|
| given | the set's own split | its valid part |
| random | a tenth of each user's items | another tenth |
| last-out | each user's last event, users with at least five | the event before it |
| time | events after a time, users with a history | events of a span before it |
| cold | events on a fold's items, which have none in training; only these compete | nothing |
| newcomers | users not trained on: items after their tenth, given their first 1, 2, 5 or 10 | users of another fold |

Histories at test do not include valid events. Differences are nDCG@10 of WhyPath less that of the model, paired over
users (pooled over folds, means over seeds); p is two-sided. Intervals in plots are 95 % bootstrap intervals over users.
Seconds are of training alone, without encoding texts, which are encoded once per machine; memory is the peak of the
whole process. `recency-ease` is EASE whose history is weighed by place from the end. `whypath-no-graph`,
`-shuffled` (each relation's tails permuted), `-no-text` and `-no-time` are trained from the start without that input.
On cold items `popularity` is an arbitrary order, the same for all users; `shared-entities` sums 1 / degree^0.75 over
shared entities without training.
"""


def write_report(records: Records, settings: Mapping[str, Any], docs: Path) -> list[Path]:
    """Write `quality.md` and its plots below `docs`, and return their paths."""
    results = results_of(records)
    written = []
    parts = [INTRODUCTION, *_machine(results), *_targets(results)]
    for name in dict.fromkeys(task.set for task in results.tasks):
        tasks = {task: models for task, models in results.tasks.items() if task.set == name}
        bars, seconds = plot_set(name, tasks, docs / "img")
        written += [bars, seconds]
        parts.append(f"## {name}\n")
        parts += [_table(task, results) for task in tasks]
        parts.append(f"![nDCG@10 of all models on {name}](img/{bars.name})\n")
        parts.append(f"![nDCG@10 against seconds of training on {name}](img/{seconds.name})\n")
    parts += [*_settings(settings), *_failures(results)]
    page = docs / "quality.md"
    with file_written_whole(page) as file:
        file.write("\n".join(parts).encode())
    return [page, *written]


def _table(task: Task, results: Results) -> str:
    models = results.tasks[task]
    best = results.best_peer(task)
    rows = [_row(result, models.get(WHYPATH), result is best) for result in models.values()]
    columns = ("model", *METRICS, f"{WHYPATH} less this", "train s", "CPU s", "peak MB")
    runs = models.get(WHYPATH) or next(iter(models.values()))
    users = sum(len(found) for found in runs.users.values())
    without = max(int(row["sizes"]["users_without_history"]) for _, row in runs.runs)
    notes = [f"{users:,} users"]
    if len(runs.units) > 1:
        notes[0] += f" in {len(runs.units)} parts"
    if without:
        notes.append(f"{without:,} test users without a history are left out")
    return markdown_table(f"### {task.title}\n\n{'; '.join(notes)}. The best peer is in bold.", columns, rows)


def _row(result: Result, own: Result | None, is_best: bool) -> list[str]:
    difference = own.against(result, METRIC) if own is not None and own is not result else None
    name = f"**{result.model}**" if is_best else result.model
    marks = []
    if MODELS[result.model].ranges and any(row["tuned"] is None for _, row in result.runs):
        marks.append("not tuned")
    if not result.is_whole(result.runs[0][0].protocol):
        marks.append("not all folds")
    if result.seeds > 1:
        marks.append(f"{result.seeds} seeds")
    return [
        f"{name} ({', '.join(marks)})" if marks else name,
        *(f"{result.mean(metric):.4f}" for metric in METRICS),
        "" if difference is None else difference_cell(difference.mean, difference.p_value),
        _number(float(np.mean(result.cost("train", "seconds")))),
        _number(float(np.mean(result.cost("train", "cpu_seconds")))),
        f"{max(result.cost('process', 'peak_mb')):,.0f}",
    ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def _machine(results: Results) -> Iterator[str]:
    if not results.tasks:
        yield "No run is recorded.\n"
        return
    made = [row["made"] for models in results.tasks.values() for result in models.values() for _, row in result.runs]
    days = sorted({entry["day"] for entry in made})
    commits = sorted({str(entry["commit"]) for entry in made})
    threads = sorted({str(entry["threads"] or "all") for entry in made})
    processors = sorted({str(entry["processors"]) for entry in made})
    versions = made[-1]["versions"]
    listed = ", ".join(f"{name} {found}" for name, found in versions.items())
    span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    yield (
        f"Measured {span} at {', '.join(commits)}, with {' or '.join(processors)} processors and "
        f"{' or '.join(threads)} threads. Versions: {listed}.\n"
    )


def _targets(results: Results) -> Iterator[str]:
    found = list(verdicts(results))
    if found:
        columns = ("task", "measure", "target", "WhyPath", "", "reached")
        yield markdown_table("## Targets\n\nFailures are in bold.", columns, [_verdict(verdict) for verdict in found])
    worth = [
        [
            name,
            f"{mean:.4f}",
            difference_cell(found.mean, found.p_value),
            f"{100 * found.mean / mean:+.1f} %",
            str(parts),
        ]
        for name, mean, found, parts in graph_worth(results)
    ]
    if worth:
        title = (
            "## What the graph is worth\n\nWhyPath less its twin without a graph; pooled over given and random splits."
        )
        yield markdown_table(title, ("set", METRIC, "difference", "", "splits"), worth)
    left = unmeasured(results)
    if left:
        names = ", ".join(dict.fromkeys(f"{target.set} {target.protocol}" for target in left))
        yield f"Not measured yet: {names}.\n"


def _verdict(verdict: Verdict) -> list[str]:
    target = verdict.target
    cells = [
        verdict.task.title,
        target.metric,
        f"{verdict.asked:.4f}" + (f" = {target.ratio:g} × {verdict.against}" if verdict.against else ""),
        f"{verdict.reached:.4f}",
        f"{100 * (verdict.reached / verdict.asked - 1):+.1f} %",
        "yes" if verdict.is_met else "no",
    ]
    return cells if verdict.is_met else [f"**{cell}**" for cell in cells]


def _settings(settings: Mapping[str, Any]) -> Iterator[str]:
    rows, at_edge = [], []
    for name, protocols in settings.items():
        for protocol, models in protocols.items():
            for model, found in models.items():
                shown = ", ".join(f"{field} {value}" for field, value in found["settings"].items()) or "defaults"
                rows.append([f"{name}, {protocol}", model, shown, f"{found[METRIC]:.4f}", str(found["trials"])])
                for field in edges(MODELS[model].ranges, found["settings"]):
                    at_edge.append(f"{field} of {model} on {name}, {protocol}")
    if rows:
        columns = ("task", "peer", "settings", f"valid {METRIC}", "trials")
        yield markdown_table("## Settings of the peers\n\nThe best of a search on valid.", columns, rows)
    if at_edge:
        yield f"On the edge of the range that was searched: {'; '.join(at_edge)}.\n"


def _failures(results: Results) -> Iterator[str]:
    missing = [name for name, model in MODELS.items() if model.package and results.tasks and not _ran(name, results)]
    if results.failures or missing:
        yield "## Runs that failed\n"
    for failure in results.failures:
        job = failure.job
        fold = f", fold {job.fold}" if job.fold else ""
        yield f"- {job.model} on {job.set}, {job.protocol}{fold}, seed {job.seed}: {failure.reason}"
    for name in missing:
        yield f"- {name}: no run; it needs the package {MODELS[name].package}"
    if results.failures or missing:
        yield ""


def _ran(model: str, results: Results) -> bool:
    return any(model in models for models in results.tasks.values())
