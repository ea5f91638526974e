"""Measure models on users' next events and on new users, for choices in development: no test event is used.

Of the demo domain's positive events (users with at least five) each user's last one is dropped, as leave-last-out would
test it. A tenth of the users are held out whole. Of the others, up to three last events are held out, and each is
predicted from the events before it. The users held out whole begin with their first 0, 1, 2, 5 and 10 items; what comes
after the first ten is ranked.

  ease            even weights of events
  weighed ease    weights by place: floor .05, four places
  popularity, item-kNN
  model           the defaults, and each of its blocks alone, with even weights and with those that training chose
  likelihood      gates fitted to the likelihood in place of the smooth nDCG
  …               the other variants of `VARIANTS`

All values are nDCG@10; differences of next events are from weighed ease, paired over events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from benchmarks.commands import Workspace
from benchmarks.records import Record, difference_cell, options_of, parser_of, run_script
from benchmarks.yardsticks import METRIC
from encoders.behavior import EASE, ItemKNN, ItemKNNSettings, Popularity
from encoders.history_weights import HistoryWeights
from encoders.text import TextEncoder
from fusion.evaluation import RankingTask, evaluate
from fusion.folds import BEGINNINGS
from fusion.lists import Scorer
from fusion.ranking import tie_break_keys
from fusion.settings import CrossFitSettings, FusionSettings, GateSettings
from fusion.splits import joined, split_last_out
from fusion.training import Fitting
from fusion.user_weights import Weighed
from kg.graph import KnowledgeGraph
from kg.histories import Histories
from kg.interactions import Interactions
from kg.opening import open_store
from whypath.cli.console import remark
from whypath.models.texts import item_text_vectors

LEAST_EVENTS = 5
LAST_EVENTS = 3
NEW_USERS = 0.1
WEIGHED = "weighed ease"

VARIANTS = {
    "model": FusionSettings(),
    "likelihood": FusionSettings(gates=GateSettings(ranking=0.0, likelihood=1.0)),
    "without transitions": FusionSettings(blocks=("ease", "ials", "rp3beta", "factease", "gnn", "shared", "text")),
    "20 % of users held out": FusionSettings(crossfit=CrossFitSettings(held_out_users=0.2)),
    "random": FusionSettings(protocol="random"),
}


class Development:
    """The parts of the data: `fit` to train on, `next` events to rank, and `beginnings` of new users by length."""

    def __init__(self, graph: KnowledgeGraph, seed: int) -> None:
        events = graph.interactions()
        events = events.take(np.bincount(events.users, minlength=events.n_users)[events.users] >= LEAST_EVENTS)
        split = split_last_out(events, seed=seed)
        known = joined(split.train, split.valid)
        is_new = np.random.default_rng(seed).random(events.n_users) < NEW_USERS
        self._tie_break = tie_break_keys(graph.item_ids)
        self.dislikes = graph.dislikes()
        histories = known.histories()
        if self.dislikes is not None:
            histories = replace(histories, dislikes=self.dislikes.of_users(events.user_ids).histories())
        last = (histories.places < LAST_EVENTS) & ~is_new[histories.users] & histories.is_first
        chosen = np.flatnonzero(last & (np.arange(histories.n_events) > histories.offsets[:-1][histories.users]))
        kept = histories.keep(~is_new[histories.users] & (histories.places >= LAST_EVENTS))
        assert kept.times is not None
        self.fit = Interactions(
            kept.users.astype(np.int32), kept.items, known.user_ids, known.n_items, None, kept.times
        )
        ones, places = np.ones(len(chosen), dtype=np.float32), np.arange(len(chosen) + 1)
        test = sp.csr_array((ones, histories.items[chosen], places), shape=(len(chosen), known.n_items))
        self.next = self._task(histories.before(chosen), test, None)
        long = histories.take(np.flatnonzero(is_new & (histories.lengths > max(BEGINNINGS))))
        place = np.arange(long.n_events) - long.offsets[:-1][long.users]
        begun = long.keep(place < max(BEGINNINGS)).matrix()
        rest = sp.csr_array(long.matrix() - begun)
        rest.eliminate_zeros()
        self.beginnings = {n: self._task(long.keep(place < n).begun(), rest, begun) for n in BEGINNINGS}

    def _task(self, histories: Histories, test: sp.csr_array, exclude: sp.csr_array | None) -> RankingTask:
        ids = [str(row) for row in range(len(histories))]
        return RankingTask(histories, test, self._tie_break, ids, exclude=exclude)


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
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of parts and training (default 1)")
    arguments = parser.parse_args()
    space = Workspace(arguments.work, remark)
    space.prepare(arguments.wheels)
    graph = open_store(str(space.store)).snapshot()
    data = Development(graph, arguments.seed)
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
