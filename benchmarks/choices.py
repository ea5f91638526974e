"""Would the default settings have been chosen without looking at the cold items? Nested folds of MovieLens-100k.

The cold benchmark (`benchmarks.cold`) has no valid part, so its models run on default settings, and defaults that were
found on the same data may have seen the answer. Here every setting is tried inside each fold's own training part: items
outside the fold are split into inner folds, blocks are fitted without the events of an inner fold and rank its items.
Nothing of the outer fold's items is read, neither events nor facts' use. Tried are the default and, for each setting,
values on both sides of it, one at a time; for the facts, an untrained sum over shared entities with each relation left
out.

For every variant: nDCG@10 in each outer fold's training part, and the paired difference to the default over users of
inner folds. A default that no variant beats by more than noise inside any training part would have been kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel

from benchmarks.commands import Workspace
from benchmarks.records import Record, add_bench, difference_cell, options_of, parser_of, run_script
from benchmarks.yardsticks import METRIC, Yardsticks, read_rows
from encoders.block import Catalogue
from encoders.graph import GNNSettings, SharedSettings
from encoders.text import TextBlockSettings, TextEncoderSettings
from fusion.encoders import ENCODERS
from fusion.evaluation import RankingTask, Scorer, evaluate
from fusion.ranking import tie_break_keys
from fusion.significance import paired_difference
from kg.graph import KnowledgeGraph
from kg.stores import open_store
from whypath.cli.console import remark
from whypath.texts import item_text_vectors

EXAMPLES = """\
examples:
  python -m benchmarks.choices --json benchmarks/results/choices.json
  python -m benchmarks.choices --blocks text facts --inner-folds 5
"""

DEFAULT = "default"
FACTS = "facts"
"""The name of the trial that trains nothing: which relations a plain sum over shared entities should read."""
EXPONENT = 0.75
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
"""Block to the class of its settings and the values that are tried beside the default."""


@dataclass(frozen=True)
class Inner:
    """An inner fold: histories to fit and ask with [n_users, n_items], and its items, which are nobody's history."""

    task: RankingTask
    matrix: sp.csr_array


def inner_folds(
    matrix: sp.csr_array, allowed: NDArray[np.intp], folds: int, tie_break: NDArray[np.uint64], seed: int
) -> Iterator[Inner]:
    """Split the allowed items into folds; each one's events are the test of a task whose history is the rest."""
    users = [str(row) for row in range(matrix.shape[0])]
    shuffled = np.random.default_rng(seed).permutation(allowed)
    for part in np.array_split(shuffled, folds):
        held = np.zeros(matrix.shape[1], dtype=np.float32)
        held[part] = 1.0
        test = sp.csr_array(matrix @ sp.diags_array(held).tocsr())
        rest = sp.csr_array(matrix @ sp.diags_array(1.0 - held).tocsr())
        for found in (test, rest):
            found.eliminate_zeros()
        yield Inner(RankingTask(rest, test, tie_break, users, candidates=np.sort(part)), rest)


def variants_of(block: str) -> dict[str, BaseModel]:
    """The default settings and those that differ from it in one value, by name."""
    kind, tried = TRIED[block]
    default = kind()
    found = {DEFAULT: default}
    for field, values in tried.items():
        for value in values:
            found[f"{field} {value}"] = kind.model_validate({**default.model_dump(), field: value})
    return found


class SharedSum:
    """The sum over entities shared with the history of 1 / degree^0.75, with one relation left out or none."""

    def __init__(self, graph: KnowledgeGraph, without: int | None) -> None:
        facts = graph.item_facts()
        kept = np.ones(len(facts), dtype=bool) if without is None else facts.relations != without
        shape = (graph.n_items, graph.n_nodes)
        ones = np.ones(int(kept.sum()), dtype=np.float32)
        self._facts = sp.csr_array((ones, (facts.items()[kept], facts.nodes[kept])), shape=shape)
        degree = np.maximum(np.asarray(self._facts.sum(axis=0)).ravel(), 1.0)
        self._weighted = sp.csr_array(self._facts @ sp.diags_array((degree**-EXPONENT).astype(np.float32)).tocsr())

    def scores(self, histories: sp.csr_array, candidates: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """See `fusion.evaluation.Scorer`."""
        facts = self._facts if candidates is None else self._facts[candidates]
        return np.asarray((histories @ self._weighted @ facts.T).toarray(), dtype=np.float32)


Make = Callable[[Inner], Scorer]
"""Fits a variant on an inner fold."""


def trials_of(name: str, graph: KnowledgeGraph, catalogue: Catalogue, seed: int) -> dict[str, Make]:
    """The variants of a block, or of the facts, as what makes their models."""
    if name == FACTS:
        relations = graph.item_facts().relation_names
        sums = {DEFAULT: SharedSum(graph, None)}
        sums |= {f"without {relation}": SharedSum(graph, code) for code, relation in enumerate(relations)}
        return {variant: (lambda _, found=found: found) for variant, found in sums.items()}
    encoder = ENCODERS[name]
    return {
        variant: (lambda inner, own=own: encoder.fit(inner.matrix, catalogue, own, seed=seed))
        for variant, own in variants_of(name).items()
    }


def main() -> int:
    """Measure, keep, print."""
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
    catalogue = Catalogue(
        graph,
        np.arange(graph.n_items, dtype=np.int32),
        item_text_vectors(graph, TextEncoderSettings(), remark),
    )
    record = Record.begun("choices", options_of(arguments), arguments.json)
    events = pd.concat([read_rows(path) for path in (yard.train, yard.valid, yard.test)], ignore_index=True)
    items = read_rows(yard.items)
    tie_break = tie_break_keys(graph.item_ids)
    for name in arguments.blocks:
        trials = trials_of(name, graph, catalogue, arguments.seed)
        for outer, own in items.groupby("cold_fold"):
            part = events[~events.item_id.isin(own["item"])]
            rows, users = pd.factorize(part.user_id)
            columns = graph.item_indices(part.item_id.tolist())
            shape = (len(users), graph.n_items)
            matrix = sp.csr_array((np.ones(len(part), np.float32), (rows, columns)), shape=shape)
            allowed = np.unique(columns).astype(np.intp)
            folds = list(inner_folds(matrix, allowed, arguments.inner_folds, tie_break, arguments.seed))
            values: dict[str, NDArray[np.float64]] = {}
            for variant, make in trials.items():
                found = [evaluate(make(inner), inner.task, name=variant, ks=(10,)) for inner in folds]
                values[variant] = np.concatenate([result.per_user[METRIC] for result in found])
                less = paired_difference(values[variant], values[DEFAULT])
                row = {"block": name, "variant": variant, "outer_fold": int(str(outer))}
                record.add({**row, METRIC: float(values[variant].mean()), "less_default": asdict(less)})
                remark(f"{name}, outer fold {outer}, {variant}: {METRIC} {values[variant].mean():.4f}")
    record.write()
    show(record)
    return 0


def show(record: Record) -> None:
    """Print a table for each block: the default, and what every variant has more."""
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
        title = f"{block}: {METRIC} inside each training part; for variants, what they have more than the default"
        record.show(title, ("variant", *(f"without fold {fold}" for fold in folds)), lines)


if __name__ == "__main__":
    run_script(main)
