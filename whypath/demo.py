"""Run the demo: prepare, load, split, train, compare, recommend, explain; everything is kept in one folder.

Two models are trained: one of any item of a user, tested on interactions that are held out at random, and one of what
comes next, tested on each user's last interaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from encoders.behavior import BEHAVIOR, EASE
from encoders.history_weights import HistoryWeights
from fusion.evaluation import RankingTask, evaluate
from fusion.lists import Scorer
from fusion.protocol import Protocol
from fusion.results import Comparison
from fusion.splits import Split, split_last_out, split_random, with_events
from fusion.user_weights import Weighed
from kg.datasets.movielens import CatalogueName, DemoReport, DomainName, prepare
from kg.graph import KnowledgeGraph
from kg.ingest import load_domain
from kg.opening import open_store
from whypath.answering.rendering import cell, lines
from whypath.answering.results import Explanation, Recommendations
from whypath.engine import Engine
from whypath.io.split_files import write_split
from whypath.models.bundle import check_free
from whypath.models.evaluating import KS

BASELINES = ("popularity", "itemknn", "ease", "ials")
"""Behaviour models that fusion is compared with, fitted on the same train part with their default settings."""

SHOWN = ("recall@10", "ndcg@10", "mrr@10", "hit@10", "coverage@10", "recall@20", "ndcg@20")
"""Metrics of the printed table."""

FUSION = "fusion"

WEIGHED = "weighed ease"
"""EASE whose histories count an event by its place from the end: .05 + exp(-place / 4)."""

LEAST_EVENTS = 5
"""Least interactions of a user whose last one is held out."""

TITLES = {
    Protocol.RANDOM: "Protocol random: held-out interactions of all times, full ranking",
    Protocol.NEXT: "Protocol next: each user's last interaction, full ranking",
}


@dataclass(frozen=True)
class DemoOptions:
    """Options of the demo."""

    folder: Path = Path("whypath-demo")
    domain: DomainName = "films-100k"
    catalogue: CatalogueName = "movielens"
    wheels: Path | None = None
    seed: int = 1
    user: str = "42"
    text: bool = True


@dataclass(frozen=True)
class DemoResult:
    """Results of the demo; the domain, store, splits and bundles are in `folder`."""

    folder: Path
    prepared: DemoReport
    comparisons: dict[Protocol, Comparison]
    recommendations: Recommendations
    explanation: Explanation | None

    def to_json(self) -> dict[str, Any]:
        """Plain data, ready for `json.dumps`."""
        return {
            "folder": str(self.folder),
            "linked_share": self.prepared.linked_share,
            "figures": {
                protocol.value: {result.name: {name: result.mean(name) for name in SHOWN} for result in each.results}
                for protocol, each in self.comparisons.items()
            },
            "recommendations": self.recommendations.to_json(),
            "explanation": None if self.explanation is None else self.explanation.to_json(),
        }

    def __rich__(self) -> RenderableType:
        parts: list[RenderableType] = [
            Text("Domain", style="bold"),
            lines(str(self.prepared)),
            *(part for protocol, each in self.comparisons.items() for part in (Text(), _table(protocol, each))),
            Text(),
            self.recommendations,
        ]
        if self.explanation is not None:
            parts += [Text(), self.explanation]
        return Group(*parts)


def run_demo(options: DemoOptions, tell: Callable[[str], None]) -> DemoResult:
    """Run all steps. Raises what the steps raise; results of finished steps are kept in the folder."""
    folder = options.folder
    for name in ("bundle", "bundle-next"):
        check_free(folder / name, force=True)
    prepared = prepare(
        folder / "domain", domain=options.domain, catalogue=options.catalogue, wheels=options.wheels, progress=tell
    )
    tell("Loading the graph into the store")
    store = open_store(folder / "store", create=True)
    load_domain(prepared.domain, store)
    graph = store.snapshot()
    events = graph.interactions()
    with Engine.open(store) as engine:
        # The model of what comes next first, so that the engine keeps the other one for lists.
        split = split_last_out(with_events(events, LEAST_EVENTS), valid=0, seed=options.seed)
        following = _trained(engine, graph, split, Protocol.NEXT, options, tell)
        split = split_random(events, seed=options.seed)
        comparison = _trained(engine, graph, split, Protocol.RANDOM, options, tell)
        recommendations = engine.recommend(options.user, k=10)
        top = recommendations[0].item if len(recommendations) else None
        explanation = None if top is None else engine.explain(options.user, top)
    comparisons = {Protocol.RANDOM: comparison, Protocol.NEXT: following}
    return DemoResult(folder, prepared, comparisons, recommendations, explanation)


def _trained(
    engine: Engine,
    graph: KnowledgeGraph,
    split: Split,
    protocol: Protocol,
    options: DemoOptions,
    tell: Callable[[str], None],
) -> Comparison:
    """Write the split, train on it and save the bundle, and compare on its test part."""
    suffix = "" if protocol is Protocol.RANDOM else f"-{protocol.value}"
    place, bundle = options.folder / f"split{suffix}", options.folder / f"bundle{suffix}"
    write_split(split, graph, place)
    valid = place / "valid.tsv" if len(split.valid) else None
    tell(f"Training, protocol {protocol.value}")
    engine.train(
        place / "train.tsv", valid, seed=options.seed, text=options.text, protocol=protocol.value, progress=tell
    )
    engine.save(bundle, force=True)
    return _compared(engine, graph, split, protocol, tell)


def _compared(
    engine: Engine, graph: KnowledgeGraph, split: Split, protocol: Protocol, tell: Callable[[str], None]
) -> Comparison:
    """Evaluate fusion and the baselines on the split's test part, all by the same code."""
    facts = graph.item_facts().matrix(graph.n_nodes)
    task = RankingTask.of_split(split, graph.item_ids, features=facts)
    results = []
    for name, model in _models(engine, split, protocol):
        tell(f"Evaluating {name}")
        results.append(evaluate(model, task, name=name, ks=KS))
    return Comparison(tuple(results), baseline=WEIGHED if protocol is Protocol.NEXT else "ease")


def _models(engine: Engine, split: Split, protocol: Protocol) -> Iterator[tuple[str, Scorer]]:
    """Fusion and the baselines; under `random` also each block alone, whose histories are weighed under `next`."""
    scorer = engine.requests(offline=True).scorer
    yield FUSION, scorer
    histories = split.train.histories()
    for name in BASELINES:
        yield name, BEHAVIOR[name].learn(histories)
    if protocol is Protocol.NEXT:
        yield WEIGHED, Weighed(EASE.learn(histories), HistoryWeights(floor=0.05, places=4.0))
        return
    for name, block in scorer.ranker.blocks.items():
        if name not in BASELINES:
            yield f"{name} alone", block


def _table(protocol: Protocol, comparison: Comparison) -> Table:
    table = Table(title=TITLES[protocol], title_justify="left", box=None, pad_edge=False)
    table.add_column("model")
    for name in SHOWN:
        table.add_column(name, justify="right")
    table.add_column(f"{comparison.metric} less {comparison.baseline}", justify="right")
    differences = comparison.differences()
    for result in comparison.results:
        difference = differences.get(result.name)
        against = "" if difference is None else f"{difference.mean:+.4f} (p = {difference.p_value:.2g})"
        table.add_row(cell(result.name), *(f"{result.mean(name):.4f}" for name in SHOWN), against)
    return table
