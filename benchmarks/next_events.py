"""Measure models on users' next events and on new users, for choices in development: no test event is used.

The parts are those of `benchmarks.development`: each of up to three last events of the known users, predicted from the
events before it, and what comes after the first ten items of users held out whole, who begin with 0, 1, 2, 5 and 10 of
them.

  ease            even weights of events
  weighed ease    weights by place: floor .05, four places
  popularity, item-kNN
  model           the defaults, and each of its blocks alone, with even weights and with those that training chose
  likelihood      gates fitted to the likelihood in place of the smooth nDCG
  likelihood .3   more likelihood beside the smooth nDCG
  …               the other variants of `VARIANTS`

All values are nDCG@10; differences of next events are from weighed ease, paired over events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.development import Development, add_development, prepared
from benchmarks.records import Record, difference_cell, options_of, parser_of, run_script
from benchmarks.yardsticks import METRIC
from encoders.behavior import EASE, ItemKNN, ItemKNNSettings, Popularity
from encoders.history_weights import HistoryWeights
from encoders.text import TextEncoder
from fusion.evaluation import evaluate
from fusion.folds import BEGINNINGS
from fusion.lists import Scorer
from fusion.settings import CrossFitSettings, FusionSettings, GateSettings
from fusion.training import Fitting
from fusion.user_weights import Weighed
from kg.graph import KnowledgeGraph
from whypath.cli.console import remark
from whypath.models.texts import item_text_vectors

WEIGHED = "weighed ease"

VARIANTS = {
    "model": FusionSettings(),
    "likelihood": FusionSettings(gates=GateSettings(ranking=0.0, likelihood=1.0)),
    "likelihood .3": FusionSettings(gates=GateSettings(likelihood=0.3)),
    "without transitions": FusionSettings(blocks=("ease", "ials", "rp3beta", "factease", "gnn", "shared", "text")),
    "20 % of users held out": FusionSettings(crossfit=CrossFitSettings(held_out_users=0.2)),
    "random": FusionSettings(protocol="random"),
}


def told(weights: HistoryWeights) -> str:
    """What is not the default of the weights."""
    chosen = weights.model_dump(exclude_defaults=True)
    parts = [f"{name} {value:g}" for name, value in chosen.items() if isinstance(value, float)]
    parts += [f"{name} {value}" for name, value in chosen.items() if isinstance(value, dict)]
    return ", ".join(parts)


def models_of(graph: KnowledgeGraph, data: Development, seed: int, variants: list[str]) -> Iterator[tuple[str, Scorer]]:
    """Names and fitted models, peers first."""
    histories = data.fit.histories()
    ease = EASE.learn(histories)
    yield WEIGHED, Weighed(ease, HistoryWeights(floor=0.05, places=4.0))
    yield "ease", ease
    yield "popularity", Popularity.learn(histories)
    yield "item-kNN", ItemKNN.learn(histories, ItemKNNSettings(neighbours=data.fit.n_items))
    texts = item_text_vectors(graph, TextEncoder(progress=remark), remark)
    for name in variants:
        fitting = Fitting(
            graph,
            data.fit,
            dislikes=data.dislikes,
            asked=VARIANTS[name],
            seed=seed,
            contents={} if texts is None else {"text": texts},
            progress=lambda line, name=name: remark(f"{name}: {line}"),
        )
        model = fitting.model()
        ranker = model.bind(graph)
        yield name, ranker
        if name == "model":
            for block_name, block in ranker.blocks.items():
                yield f"only {block_name}, even", block
                weights = model.weights[block_name]
                if weights != HistoryWeights():
                    yield f"only {block_name}, {told(weights)}", Weighed(block, weights)


def main() -> int:
    """Measure, write the record, print."""
    parser = parser_of(__doc__)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), metavar="V")
    add_development(parser)
    arguments = parser.parse_args()
    graph, data = prepared(arguments)
    record = Record.begun("next_events", options_of(arguments), arguments.json)
    table: list[list[str]] = []
    base = None
    for name, scorer in models_of(graph, data, arguments.seed, arguments.variants):
        following = evaluate(scorer, data.next, name=name, ks=(10,))
        base = base or following
        difference = following.against(base, METRIC)
        begun = {n: evaluate(scorer, task, name=name, ks=(10,)).mean(METRIC) for n, task in data.beginnings.items()}
        row: dict[str, Any] = {"model": name, "next": following.mean(METRIC), "events": len(following.users)}
        row |= {"less_weighed_ease": difference.mean, "standard_error": difference.standard_error}
        row |= {"new_users": len(data.beginnings[0].user_ids), "first": {str(n): value for n, value in begun.items()}}
        record.add(row)
        against = "" if name == WEIGHED else difference_cell(difference.mean, difference.p_value)
        table.append([name, f"{row['next']:.4f}", against, *(f"{value:.3f}" for value in begun.values())])
    columns = ("model", "next event", f"less {WEIGHED}", *(f"first {n}" for n in BEGINNINGS))
    n_events, n_users = len(data.next.user_ids), len(data.beginnings[0].user_ids)
    record.show(f"{METRIC} on {n_events:,} next events and {n_users} new users", columns, table)
    return 0


if __name__ == "__main__":
    run_script(main)
