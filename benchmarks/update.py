"""Measure updates without a training against the stale model and against training again, on development data.

Of the demo domain's positive events (users with at least five) each user's last one is dropped, as leave-last-out would
test it. The others are cut by time: a model is trained on the first 70 %, and takes in two further tenths by updates.
After each, every model ranks for each of the following events of users who have a history by then, at most `EVENTS` of
them, drawn; histories have all events before, as in serving.

  stale           the first model
  updated         brought up to date from the previous step's model
  retrained       a whole training on the same events, with the settings that the first one chose or its own
  whole fit       the updated model with fits of the same blocks on histories that are made from the start
  …               the updated model with one part as it was before: iALS, text, or the units of the blocks' scores

nDCG@10; the share of the ten best that a model has in common with the updated one; CPU seconds of all threads."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from time import perf_counter, process_time
from typing import Any, TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from benchmarks.commands import Workspace
from benchmarks.quality_protocols import LEAST_EVENTS
from benchmarks.records import Record, difference_cell, options_of, parser_of, run_script
from benchmarks.yardsticks import METRIC
from encoders.block import Catalogue, TrainingData, refits
from encoders.history_weights import HistoryWeights
from encoders.text import TextEncoder
from fusion.crossfit import spread
from fusion.evaluation import RankingTask, evaluate
from fusion.model import FusionModel
from fusion.ranking import tie_break_keys
from fusion.registry import ENCODERS
from fusion.settings import FusionSettings
from fusion.splits import joined, split_last_out, with_events
from fusion.training import Fitting, histories_of, with_floor
from fusion.updating import updated_model
from fusion.user_weights import Weighed
from kg.graph import KnowledgeGraph
from kg.interactions import Interactions
from kg.opening import open_store
from whypath.cli.console import remark
from whypath.models.texts import item_text_vectors

TRAINED, STEP, STEPS = 0.7, 0.1, 2
EVENTS = 3_000

Made = TypeVar("Made")


class Stream:
    """The events in the order of their times."""

    def __init__(self, graph: KnowledgeGraph, seed: int) -> None:
        events = with_events(graph.interactions(), LEAST_EVENTS)
        split = split_last_out(events, seed=seed)
        self._events = joined(split.train, split.valid)
        assert self._events.times is not None
        self._times = np.sort(self._events.times)
        self._tie_break, self._seed = tie_break_keys(graph.item_ids), seed

    def until(self, share: float) -> Interactions:
        """The first events."""
        assert self._events.times is not None
        return self._events.take(self._events.times < self._time(share))

    def task(self, first: float, last: float) -> RankingTask:
        """Rank for the events between two shares, each from its user's events before it."""
        histories = self._events.histories()
        assert histories.times is not None
        inside = (histories.times >= self._time(first)) & (histories.times < self._time(last))
        inside &= histories.is_first & (np.arange(histories.n_events) > histories.offsets[:-1][histories.users])
        chosen = np.flatnonzero(inside)
        rng = np.random.default_rng(self._seed)
        chosen = np.sort(rng.choice(chosen, min(EVENTS, len(chosen)), replace=False))
        ones, places = np.ones(len(chosen), dtype=np.float32), np.arange(len(chosen) + 1)
        test = sp.csr_array((ones, histories.items[chosen], places), shape=(len(chosen), histories.n_items))
        ids = [str(row) for row in range(len(chosen))]
        return RankingTask(histories.before(chosen), test, self._tie_break, ids)

    def _time(self, share: float) -> float:
        place = int(share * len(self._times))
        return float(self._times[place]) if place < len(self._times) else float("inf")


def with_whole_fits(model: FusionModel, graph: KnowledgeGraph, events: Interactions) -> FusionModel:
    """An updated model with fits of the same blocks on histories that are made from the events."""
    histories = histories_of(events, model.protocol, model.asked.min_users)
    catalogue = model.catalogue(graph)
    data = TrainingData(histories, Catalogue(graph, np.arange(graph.n_items, dtype=np.int32), catalogue.contents))
    made = copy.copy(model)
    made.states, made.spreads = dict(model.states), dict(model.spreads)
    for name in model.states:
        if refits(ENCODERS[name]):
            settings = with_floor(model.settings.block.of(name), model.asked.min_users)
            block = ENCODERS[name].fit(data, settings, seed=model.seed)
            weighed = Weighed(block, model.weights.get(name, HistoryWeights()))
            made.states[name], made.spreads[name] = block.state(), spread(weighed, histories, model.items.users)
    return made


def with_parts_of(model: FusionModel, made: FusionModel) -> Iterator[tuple[str, FusionModel]]:
    """The updated model with one part of the model before it."""
    for name in ("ials", "text"):
        if name in model.states:
            mixed = copy.copy(made)
            # The catalogue is the same in all steps, and so is the place of each item.
            mixed.states = {**made.states, name: model.states[name]}
            mixed.spreads = {**made.spreads, name: model.spreads[name]}
            yield f"{name} as before", mixed
    mixed = copy.copy(made)
    mixed.spreads = model.spreads
    yield "units as before", mixed


def overlap(left: NDArray[np.int32], right: NDArray[np.int32]) -> float:
    """Mean share of lists [n, k] that two models have in common."""
    same = [len(np.intersect1d(a[a >= 0], b[b >= 0])) for a, b in zip(left, right, strict=True)]
    return float(np.mean(same)) / left.shape[1]


def main() -> int:
    """Measure, write the record, print."""
    parser = parser_of(__doc__)
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of parts and training (default 1)")
    arguments = parser.parse_args()
    space = Workspace(arguments.work, remark)
    space.prepare(arguments.wheels)
    graph = open_store(str(space.store)).snapshot()
    stream = Stream(graph, arguments.seed)
    texts = item_text_vectors(graph, TextEncoder(progress=remark), remark)
    contents = {} if texts is None else {"text": texts}
    record = Record.begun("update", options_of(arguments), arguments.json)
    table: list[list[str]] = []

    def training(events: Interactions) -> FusionModel:
        asked = FusionSettings()
        return Fitting(graph, events, asked=asked, seed=arguments.seed, contents=contents, progress=remark).model()

    def timed(make: Callable[..., Made], *given: Any) -> tuple[Made, float, float]:
        wall, cpu = perf_counter(), process_time()
        made = make(*given)
        return made, process_time() - cpu, perf_counter() - wall

    stale, cpu, wall = timed(training, stream.until(TRAINED))
    record.summary["first training"] = {"cpu_seconds": cpu, "seconds": wall}
    latest = stale
    for step in range(1, STEPS + 1):
        share = TRAINED + step * STEP
        events, task = stream.until(share), stream.task(share, share + STEP)
        models: dict[str, tuple[FusionModel, float | None]] = {"stale": (stale, None)}
        updated, cpu, _ = timed(updated_model, latest, graph, events)
        made = updated.model
        models["updated"] = (made, cpu)
        models["retrained"] = timed(training, events)[:2]
        models["whole fit"] = (with_whole_fits(made, graph, events), None)
        models |= {name: (model, None) for name, model in with_parts_of(latest, made)}
        found = {name: evaluate(model.bind(graph), task, name=name, ks=(10,)) for name, (model, _) in models.items()}
        for name, (_, cpu) in models.items():
            difference = found[name].against(found["updated"], METRIC)
            row = {"events": len(events), "tested": len(task.user_ids), "model": name, "cpu_seconds": cpu}
            row |= {METRIC: found[name].mean(METRIC), "less_updated": difference.mean, "p": difference.p_value}
            row["overlap@10"] = overlap(found[name].ranked.items, found["updated"].ranked.items)
            record.add(row)
            against = "" if name == "updated" else difference_cell(difference.mean, difference.p_value)
            seconds = "" if cpu is None else f"{cpu:.1f}"
            same = f"{row['overlap@10']:.4f}"
            table.append([f"{len(events):,} events: {name}", f"{row[METRIC]:.4f}", against, same, seconds])
        latest = made
    columns = ("model", METRIC, "less updated", "overlap@10", "CPU seconds")
    record.show(f"The first model has {len(stream.until(TRAINED)):,} events", columns, table)
    record.write()
    return 0


if __name__ == "__main__":
    run_script(main)
