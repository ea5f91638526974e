"""Plots of `benchmarks.quality`: bars with bootstrap intervals, and quality against seconds of training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.quality_models import MODELS, WHYPATH
from benchmarks.quality_results import Result, Task
from kg.durable import file_written_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METRIC = "ndcg@10"
_OWN, _TWIN, _PEER = "#00796b", "#80cbc4", "#9e9e9e"


def plot_set(name: str, tasks: Mapping[Task, Mapping[str, Result]], folder: Path) -> list[Path]:
    """Write both plots of a set, one panel for each task; returns their paths."""
    return [
        _write(_bars(tasks), folder / f"quality-{name}.svg"),
        _write(_against_seconds(tasks), folder / f"quality-{name}-seconds.svg"),
    ]


def _bars(tasks: Mapping[Task, Mapping[str, Result]]) -> Figure:
    figure, panels = _panels(len(tasks), height=0.24 * max(len(models) for models in tasks.values()) + 0.9)
    for panel, (task, models) in zip(panels, tasks.items(), strict=True):
        ranked = sorted(models.values(), key=lambda result: result.mean(METRIC))
        means = np.array([result.mean(METRIC) for result in ranked])
        intervals = [result.interval(METRIC) for result in ranked]
        # The mean over folds need not be the mean over users, whose interval this is.
        ends = np.array([[max(m - i.low, 0), max(i.high - m, 0)] for m, i in zip(means, intervals, strict=True)]).T
        names = [result.model for result in ranked]
        panel.barh(names, means, xerr=ends, color=[_colour(name) for name in names], error_kw={"linewidth": 0.8})
        panel.set_title(task.title, fontsize=9)
        panel.set_xlabel(METRIC, fontsize=8)
        panel.tick_params(labelsize=7)
    return figure


def _against_seconds(tasks: Mapping[Task, Mapping[str, Result]]) -> Figure:
    figure, panels = _panels(len(tasks), height=2.6)
    for panel, (task, models) in zip(panels, tasks.items(), strict=True):
        for result in models.values():
            seconds = max(float(np.mean(result.cost("train", "seconds"))), 0.001)
            panel.plot(seconds, result.mean(METRIC), "o", color=_colour(result.model), markersize=4)
            panel.annotate(
                result.model, (seconds, result.mean(METRIC)), fontsize=6, xytext=(3, 2), textcoords="offset points"
            )
        panel.set_xscale("log")
        panel.margins(x=0.3, y=0.12)
        panel.set_title(task.title, fontsize=9)
        panel.set_xlabel("seconds of training", fontsize=8)
        panel.set_ylabel(METRIC, fontsize=8)
        panel.tick_params(labelsize=7)
    return figure


def _panels(count: int, height: float) -> tuple[Figure, list[Any]]:
    from matplotlib.figure import Figure

    columns = min(2, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(4.2 * columns, height * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    panels = list(grid.ravel())
    for empty in panels[count:]:
        empty.set_visible(False)
    return figure, panels[:count]


def _colour(model: str) -> str:
    return _OWN if model == WHYPATH else _PEER if MODELS[model].is_peer else _TWIN


def _write(figure: Figure, path: Path) -> Path:
    import matplotlib as mpl

    path.parent.mkdir(parents=True, exist_ok=True)
    # The same figures make the same file.
    with mpl.rc_context({"svg.hashsalt": "quality"}), file_written_whole(path) as file:
        figure.savefig(file, format="svg", metadata={"Date": None})
    return path
