"""Run the demo: prepare, load, split, train, compare, recommend, explain; everything is kept in one folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from encoders.behavior import BEHAVIOR
from fusion.evaluation import RankingTask, evaluate
from fusion.lists import Scorer
from fusion.results import Comparison
from fusion.splits import Split, split_random
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
    """Results of the demo; the domain, store, split and bundle are in `folder`."""

    folder: Path
    prepared: DemoReport
    comparison: Comparison
    recommendations: Recommendations
    explanation: Explanation | None

    def to_json(self) -> dict[str, Any]:
        """Plain data, ready for `json.dumps`."""
        results = self.comparison.results
        return {
            "folder": str(self.folder),
            "linked_share": self.prepared.linked_share,
            "figures": {result.name: {name: result.mean(name) for name in SHOWN} for result in results},
            "recommendations": self.recommendations.to_json(),
            "explanation": None if self.explanation is None else self.explanation.to_json(),
        }

    def __rich__(self) -> RenderableType:
        parts: list[RenderableType] = [
            Text("Domain", style="bold"),
            lines(str(self.prepared)),
            Text(),
            _table(self.comparison),
            Text(),
            self.recommendations,
        ]
        if self.explanation is not None:
            parts += [Text(), self.explanation]
        return Group(*parts)


def run_demo(options: DemoOptions, tell: Callable[[str], None]) -> DemoResult:
    """Run all steps. Raises what the steps raise; results of finished steps are kept in the folder."""
    folder = options.folder
    check_free(folder / "bundle", force=True)
    prepared = prepare(
        folder / "domain", domain=options.domain, catalogue=options.catalogue, wheels=options.wheels, progress=tell
    )
    tell("Loading the graph into the store")
    store = open_store(folder / "store", create=True)
    load_domain(prepared.domain, store)
    graph = store.snapshot()
    split = split_random(graph.interactions(), seed=options.seed)
    write_split(split, graph, folder / "split")
    with Engine.open(store) as engine:
        tell("Training")
        files = (folder / "split" / "train.tsv", folder / "split" / "valid.tsv")
        engine.train(*files, seed=options.seed, text=options.text, progress=tell)
        engine.save(folder / "bundle", force=True)
        comparison = _compared(engine, graph, split, tell)
        recommendations = engine.recommend(options.user, k=10)
        top = recommendations[0].item if len(recommendations) else None
        explanation = None if top is None else engine.explain(options.user, top)
    return DemoResult(folder, prepared, comparison, recommendations, explanation)


def _compared(engine: Engine, graph: KnowledgeGraph, split: Split, tell: Callable[[str], None]) -> Comparison:
    """Evaluate fusion, the baselines and each block alone on the split's test part, all by the same code."""
    facts = graph.item_facts().matrix(graph.n_nodes)
    task = RankingTask.of_split(split, graph.item_ids, features=facts)
    results = []
    for name, model in _models(engine, split):
        tell(f"Evaluating {name}")
        results.append(evaluate(model, task, name=name, ks=KS))
    return Comparison(tuple(results), baseline="ease")


def _models(engine: Engine, split: Split) -> Iterator[tuple[str, Scorer]]:
    scorer = engine.requests(offline=True).scorer
    yield FUSION, scorer
    histories = split.train.histories()
    for name in BASELINES:
        yield name, BEHAVIOR[name].learn(histories)
    for name, block in scorer.ranker.blocks.items():
        if name not in BASELINES:
            yield f"{name} alone", block


def _table(comparison: Comparison) -> Table:
    table = Table(title="Held-out interactions, full ranking", title_justify="left", box=None, pad_edge=False)
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
