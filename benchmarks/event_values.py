"""Measure what the age of events and dislikes bring to each block, on the events of `benchmarks.development`.

Each block of the defaults is fitted once on the likes of the demo domain (a dislike is a rating of 2 or less), and
ranks the next events with histories weighed in several ways:

  places          the floor and places that rank best, without dislikes: the base of all differences
  age …           the same with that exponent of an event's age, in units of the median age
  dislike …       the same with dislikes that count so much against their items

The last columns are the same for the random part: a tenth of each user's likes, from all others, without times. All
values are nDCG@10, and disliked items are never listed. No test event is used: each user's last like is dropped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.development import Development, add_development, prepared
from benchmarks.records import Record, difference_cell, options_of, parser_of, run_script
from benchmarks.yardsticks import METRIC
from encoders.block import Block, Catalogue, TrainingData
from encoders.history_weights import HistoryWeights
from encoders.text import TextEncoder
from fusion.evaluation import RankingTask, evaluate
from fusion.registry import ENCODERS
from fusion.results import EvaluationResult
from fusion.settings import FusionSettings
from fusion.splits import joined, split_random
from fusion.user_weights import AGES, FLOORS, PLACES, Weighed
from kg.graph import KnowledgeGraph
from kg.histories import Histories
from whypath.cli.console import remark
from whypath.models.texts import item_text_vectors

DISLIKES = (0.03, 0.1, 0.3, 1.0)


def tried(unit: float) -> dict[str, dict[str, float]]:
    """What is tried on top of the places, by name."""
    ages = {f"age {age:g}": {"age": age, "age_unit": unit} for age in AGES}
    return ages | {f"dislike {dislike:g}": {"dislike": dislike} for dislike in DISLIKES}


def random_part(graph: KnowledgeGraph, data: Development, seed: int) -> tuple[Histories, RankingTask]:
    """Histories without times to fit on, and the task of ranking the likes that were drawn from them."""
    split = split_random(replace(data.fit, times=None), valid=0.0, test=0.1, seed=seed)
    task = RankingTask.of_split(split, list(graph.item_ids))
    assert data.dislikes is not None
    dislikes = replace(data.dislikes.of_users(data.fit.user_ids), times=None).histories()
    history = replace(task.history, dislikes=dislikes)
    return joined(split.train, split.given).histories(), replace(task, history=history, exclude=history.known())


def best_places(measured: dict[HistoryWeights, EvaluationResult]) -> HistoryWeights:
    return max(measured, key=lambda weights: measured[weights].mean(METRIC))


def main() -> int:
    """Measure, write the record, print."""
    parser = parser_of(__doc__)
    parser.add_argument("--blocks", nargs="+", metavar="B", default=list(FusionSettings().blocks))
    add_development(parser)
    arguments = parser.parse_args()
    graph, data = prepared(arguments)
    texts = item_text_vectors(graph, TextEncoder(progress=remark), remark) if "text" in arguments.blocks else None
    contents = {} if texts is None else {"text": texts}
    catalogue = Catalogue(graph.without_interactions(), np.arange(graph.n_items, dtype=np.int32), contents)
    drawn, random_task = random_part(graph, data, arguments.seed)
    record = Record.begun("event_values", options_of(arguments), arguments.json)
    ages = data.next.history
    assert ages.times is not None
    assert ages.now is not None
    unit = float(np.median((ages.now[ages.users] - ages.times)[ages.now[ages.users] > ages.times]))
    table: list[list[str]] = []

    def told(block: Block, task: RankingTask, name: str, part: str, weights: dict[str, HistoryWeights]) -> None:
        base = None
        for what, of_events in weights.items():
            found = evaluate(Weighed(block, of_events), task, name=what, ks=(10,))
            base = base or found
            difference = found.against(base, METRIC)
            row: dict[str, Any] = {"block": name, "part": part, "weights": what, "value": found.mean(METRIC)}
            record.add(row | {"less_base": difference.mean, "standard_error": difference.standard_error})
            against = difference_cell(difference.mean, difference.p_value) if found is not base else ""
            table.append([name, part, what, f"{row['value']:.4f}", against])

    for name in arguments.blocks:
        remark(f"Fitting {name}")
        block = ENCODERS[name].fit(TrainingData(data.fit.histories(), catalogue), seed=arguments.seed)
        grid = [HistoryWeights(dislike=0.0)]
        grid += [HistoryWeights(floor=floor, places=places, dislike=0.0) for floor in FLOORS for places in PLACES[::2]]
        chosen = best_places({w: evaluate(Weighed(block, w), data.next, name=name, ks=(10,)) for w in grid})
        timed = {f"floor {chosen.floor:g}, places {chosen.places:g}": chosen}
        timed |= {what: chosen.model_copy(update=update) for what, update in tried(unit).items()}
        told(block, data.next, name, "next", timed)
        if name == "transitions":
            continue
        block = ENCODERS[name].fit(TrainingData(drawn, catalogue), seed=arguments.seed)
        untimed = {"even": HistoryWeights(dislike=0.0)}
        untimed |= {f"dislike {dislike:g}": HistoryWeights(dislike=dislike) for dislike in DISLIKES}
        told(block, random_task, name, "random", untimed)
    n_events, n_users = len(data.next.user_ids), len(random_task.test_users)
    columns = ("block", "part", "weights", METRIC, "less the first")
    record.show(f"{METRIC} on {n_events:,} next events, and on {n_users} users of the random part", columns, table)
    return 0


if __name__ == "__main__":
    run_script(main)
