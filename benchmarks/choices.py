"""Test in nested folds of MovieLens-100k whether the default settings would be chosen without the cold items.

The cold benchmark (`benchmarks.cold`) has no valid part, so its models run on default settings, and defaults that were
found on the same data may be fitted to it. Here every setting is tried inside each fold's own training part: items
outside the fold are split into inner folds, blocks are fitted without the events of an inner fold and rank its items.
No event on the outer fold's items is read. The script tries the default and, for each setting, values on both sides of
it, one at a time; for the facts, an untrained sum over shared entities with each relation left out.

For every variant it reports nDCG@10 in each outer fold's training part, and the paired difference to the default over
users of inner folds. A default that no variant beats by more than noise in any training part would have been chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from benchmarks.cold import write_folds
from benchmarks.commands import Workspace
from benchmarks.records import Record, add_bench, difference_cell, options_of, parser_of, run_script
from benchmarks.shared_sum import SharedSum
from benchmarks.yardsticks import METRIC, Yardsticks
from encoders.block import Catalogue, TrainingData
from encoders.graph import GNNSettings, SharedSettings
from encoders.text import TextBlockSettings, TextEncoder
from fusion.evaluation import RankingTask, evaluate
from fusion.lists import Scorer
from fusion.registry import ENCODERS
from fusion.significance import paired_difference
from fusion.splits import Split, split_cold_items
from kg.graph import KnowledgeGraph
from kg.histories import Histories
from kg.interactions import Interactions
from kg.opening import open_store
from whypath.answering.histories import to_interactions
from whypath.cli.console import remark
from whypath.io.files import read_interactions
from whypath.models.texts import item_text_vectors

EXAMPLES = """\
examples:
  python -m benchmarks.choices --json benchmarks/results/choices.json
  python -m benchmarks.choices --blocks text facts --inner-folds 5
"""

DEFAULT = "default"
FACTS = "facts"
"""Name of the trial without training: which relations a plain sum over shared entities should read."""
TRIED: Mapping[str, tuple[type[BaseModel], Mapping[str, tuple[object, ...]]]] = {
    "text": (
        TextBlockSettings,
        {"rank": (32, 128), "shrinkage": (200.0, 1000.0, 2000.0), "sharpness": (1.0, 4.0), "ridge": (1.0, 10.0)},
    ),
    "shared": (
        SharedSettings,
        {"exponents": ((0.5,), (0.0, 0.5), (0.25, 0.5), (0.5, 1.0), (0.25, 0.5, 1.0)), "parts": (3, 8)},
    ),
    "gnn": (
        GNNSettings,
        {
            "steps": (100, 400),
            "cold_items": (0.05, 0.3),
            "cold_weight": (1.0, 6.0),
            "dropout": (0.0, 0.4),
        },
    ),
}
"""Block to its settings class and the values that are tried beside the default."""


def inner_splits(train: Interactions, folds: int, seed: int) -> Iterator[Split]:
    """Splits of a training part that hold out each of its items once, and nothing else."""
    fold_of = np.full(train.n_items, -1)
    known = np.unique(train.items)
    fold_of[known] = np.random.default_rng(seed).permutation(np.arange(len(known)) % folds)
    return split_cold_items(train, folds=fold_of, seed=seed)


def variants_of(block: str) -> dict[str, BaseModel]:
    """The default settings and those that differ from it in one value, by name."""
    kind, tried = TRIED[block]
    default = kind()
    found = {DEFAULT: default}
    for field, values in tried.items():
        for value in values:
            found[f"{field} {value}"] = kind.model_validate({**default.model_dump(), field: value})
    return found


Make = Callable[[Histories], Scorer]
"""Fits a variant on histories."""


def trials_of(name: str, graph: KnowledgeGraph, catalogue: Catalogue, seed: int) -> dict[str, Make]:
    """The variants of a block, or of the facts, by name, with the function that fits each."""
    if name == FACTS:
        relations = graph.item_facts().relation_names
        sums = {DEFAULT: SharedSum(graph)}
        sums |= {f"without {relation}": SharedSum(graph, code) for code, relation in enumerate(relations)}
        return {variant: (lambda _, found=found: found) for variant, found in sums.items()}
    encoder = ENCODERS[name]
    return {
        variant: (lambda histories, own=own: encoder.fit(TrainingData(histories, catalogue), own, seed=seed))
        for variant, own in variants_of(name).items()
    }


def main() -> int:
    """Measure, write the record, print."""
    parser = parser_of(__doc__)
    parser.epilog = EXAMPLES
    add_bench(parser)
    names = (FACTS, *TRIED)
    parser.add_argument("--blocks", nargs="+", choices=names, default=list(names), metavar="BLOCK")
    parser.add_argument("--inner-folds", type=int, default=3, metavar="N", help="of each training part (default 3)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of inner folds and training (default 1)")
    arguments = parser.parse_args()
    yard = Yardsticks.at(arguments.bench)
    space = Workspace(arguments.work, remark)
    space.prepare(arguments.wheels)
    graph = open_store(str(space.store)).snapshot().without_interactions()
    texts = item_text_vectors(graph, TextEncoder(progress=remark), remark)
    contents = {} if texts is None else {"text": texts}
    catalogue = Catalogue(graph, np.arange(graph.n_items, dtype=np.int32), contents)
    record = Record.begun("choices", options_of(arguments), arguments.json)
    for fold in write_folds(yard, arguments.work / "cold"):
        train, _ = to_interactions(read_interactions([fold.train]), graph)
        tasks = [
            RankingTask.of_split(split, graph.item_ids, candidates=np.unique(split.test.items).astype(np.intp))
            for split in inner_splits(train, arguments.inner_folds, arguments.seed)
        ]
        for name in arguments.blocks:
            values: dict[str, NDArray[np.float64]] = {}
            for variant, make in trials_of(name, graph, catalogue, arguments.seed).items():
                found = [evaluate(make(task.history), task, name=variant, ks=(10,)) for task in tasks]
                values[variant] = np.concatenate([result.per_user[METRIC] for result in found])
                less = paired_difference(values[variant], values[DEFAULT])
                row = {"block": name, "variant": variant, "outer_fold": fold.number}
                record.add({**row, METRIC: float(values[variant].mean()), "less_default": asdict(less)})
                remark(f"{name}, outer fold {fold.number}, {variant}: {METRIC} {values[variant].mean():.4f}")
    record.write()
    show(record)
    return 0


def show(record: Record) -> None:
    """Print a table per block: the default, and every variant's difference to it."""
    for block in dict.fromkeys(row["block"] for row in record.rows):
        own = [row for row in record.rows if row["block"] == block]
        lines = []
        for variant in dict.fromkeys(row["variant"] for row in own):
            cells = [variant]
            for row in own:
                if row["variant"] == variant:
                    less = row["less_default"]
                    better = difference_cell(less["mean"], less["p_value"])
                    cells.append(f"{row[METRIC]:.4f}" if variant == DEFAULT else better)
            lines.append(cells)
        folds = sorted({row["outer_fold"] for row in own})
        title = f"{block}: {METRIC} inside each training part; for variants, the difference to the default"
        record.show(title, ("variant", *(f"without fold {fold}" for fold in folds)), lines)


if __name__ == "__main__":
    run_script(main)
