"""Measure what each block contributes under five splits of the demo domain: the full model, and without each block.

  random          per user at random, 80/10/10
  leave-last-out  each user's last event is test, the one before valid
  time            two times for all users, 80/10/10
  cold items      folds of items without events in training; candidates are the fold's items
  cold users      a tenth of the users is not trained on; five of their items are given

For each: the full model, the model less each block with the gates fitted again, each block alone. Differences are
nDCG@10 of the full model less that of the other, paired over users (over users in folds for cold items). The script
names the blocks whose removal changes nothing significantly under any protocol.

Histories at test are train and the given items, without valid events. Test users with an empty history are left out and
counted: they get a popularity blend whatever the blocks (most users of the time split are new)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from benchmarks.commands import Workspace
from benchmarks.records import Record, difference_cell, options_of, parser_of, run_script
from benchmarks.yardsticks import METRIC
from encoders.text import TextEncoder
from fusion.evaluation import RankingTask, evaluate
from fusion.settings import FusionSettings
from fusion.significance import PairedDifference, paired_difference
from fusion.splits import Split, split_by_time, split_cold_items, split_cold_users, split_last_out, split_random
from fusion.training import Fitting
from kg.graph import KnowledgeGraph
from kg.interactions import Interactions
from kg.opening import open_store
from whypath.cli.console import remark
from whypath.models.texts import item_text_vectors

EXAMPLES = """\
examples:
  python -m benchmarks.protocols --json benchmarks/results/protocols.json
  python -m benchmarks.protocols --protocols "leave-last-out" time --seed 2
  python -m benchmarks.protocols --protocols "cold items" --cold-folds 2 --blocks ease shared
"""

PROTOCOLS = ("random", "leave-last-out", "time", "cold items", "cold users")
FULL = "full"
COLD_FOLDS = 5
LEVEL = 0.05
"""Two-sided; with six blocks and five protocols one or two of thirty differences lie below it by chance."""


@dataclass(frozen=True)
class Part:
    """One split to train and test on, with the items that compete at test (None for all)."""

    split: Split
    candidates: NDArray[np.intp] | None = None


def parts_of(protocol: str, events: Interactions, seed: int, cold_folds: int) -> Iterator[Part]:
    """The splits of a protocol: one, and for cold items as many as there are folds."""
    if protocol == "random":
        yield Part(split_random(events, seed=seed))
    elif protocol == "leave-last-out":
        yield Part(split_last_out(events, seed=seed))
    elif protocol == "time":
        yield Part(split_by_time(events))
    elif protocol == "cold users":
        yield Part(split_cold_users(events, seed=seed))
    else:
        fold_of = np.random.default_rng(seed).permutation(np.arange(events.n_items) % COLD_FOLDS)
        for fold, split in enumerate(split_cold_items(events, folds=fold_of, seed=seed)):
            if fold < cold_folds:
                yield Part(split, np.flatnonzero(fold_of == fold))


@dataclass
class Found:
    """A model's results under a protocol: users' values by part, the measures, blocks that the gates kept."""

    values: list[NDArray[np.float64]] = field(default_factory=list)
    measures: list[dict[str, float]] = field(default_factory=list)
    without_history: int = 0
    kept: set[str] = field(default_factory=set)

    @property
    def mean(self) -> float:
        """Mean over parts of the mean over users."""
        return float(np.mean([values.mean() for values in self.values]))

    def less(self, other: Found) -> PairedDifference:
        """Paired over users, pooled over parts."""
        return paired_difference(np.concatenate(self.values), np.concatenate(other.values))


class Protocols:
    """Trains and measures models on one graph."""

    def __init__(self, graph: KnowledgeGraph, settings: FusionSettings, seed: int) -> None:
        self._graph = graph
        self._settings = settings
        self._seed = seed
        self._texts = item_text_vectors(graph, TextEncoder(progress=remark), remark)

    def measure(self, part: Part, found: dict[str, Found]) -> None:
        """Train and measure all models on one split; blocks are fitted once, for all models together."""
        split = part.split
        task, without_history = with_history(
            RankingTask.of_split(split, self._graph.item_ids, candidates=part.candidates)
        )
        fitting = Fitting(
            self._graph,
            split.train,
            split.valid if len(split.valid) else None,
            asked=self._settings,
            seed=self._seed,
            contents={} if self._texts is None else {"text": self._texts},
            progress=lambda line: remark(f"{split.name}: {line}"),
        )
        for name, left in models_of(fitting.blocks).items():
            model = fitting.model(without=left)
            result = evaluate(model.bind(self._graph), task, name=name, ks=(10, 20))
            row = found.setdefault(name, Found())
            row.values.append(result.per_user[METRIC])
            row.measures.append({metric: result.mean(metric) for metric in result.metrics})
            row.kept.update(model.gates.blocks)
            row.without_history += without_history
            remark(f"{split.name}: {name}: {METRIC} {result.mean(METRIC):.4f}")


def models_of(blocks: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The models measured under every protocol: names, and the blocks left out."""
    found: dict[str, tuple[str, ...]] = {FULL: ()}
    if len(blocks) > 1:
        found.update({f"without {name}": (name,) for name in blocks})
        found.update({f"only {name}": tuple(other for other in blocks if other != name) for name in blocks})
    return found


def with_history(task: RankingTask) -> tuple[RankingTask, int]:
    """The task without test users whose history is empty, and how many those are."""
    empty = task.history.is_empty
    skipped = int(np.count_nonzero(np.diff(task.test.indptr)[empty]))
    test = sp.csr_array(sp.diags_array((~empty).astype(np.float32)).tocsr() @ task.test)
    test.eliminate_zeros()
    return replace(task, test=test), skipped


def rows_of(protocol: str, found: dict[str, Found]) -> Iterator[dict[str, Any]]:
    """The rows that are recorded for a protocol."""
    full = found[FULL]
    for name, row in found.items():
        users = np.concatenate(row.values)
        measures = {metric: float(np.mean([part[metric] for part in row.measures])) for metric in row.measures[0]}
        yield {
            "protocol": protocol,
            "model": name,
            "users": len(users),
            "users_without_history": row.without_history,
            METRIC: row.mean,
            "standard_error": float(users.std(ddof=1) / np.sqrt(len(users))),
            "by_part": [float(values.mean()) for values in row.values],
            "full_less_this": None if name == FULL else asdict(full.less(row)),
            "blocks_with_weight": sorted(row.kept),
            "measures": measures,
        }


def verdicts(rows: list[dict[str, Any]], blocks: tuple[str, ...]) -> dict[str, list[str]]:
    """For every block the protocols under which its removal changes the figure: "+" if it costs, "-" if it helps."""
    found: dict[str, list[str]] = {block: [] for block in blocks}
    for row in rows:
        block = row["model"].removeprefix("without ")
        difference = row["full_less_this"]
        if block != row["model"] and block in found and difference["p_value"] < LEVEL:
            found[block].append(f"{'+' if difference['mean'] > 0 else '-'}{row['protocol']}")
    return found


def main() -> int:
    """Measure, write the record, print."""
    parser = parser_of(__doc__)
    parser.epilog = EXAMPLES
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=list(PROTOCOLS), metavar="P")
    parser.add_argument("--blocks", nargs="+", metavar="BLOCK", help="blocks of the full model (default: as shipped)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of splits and training (default 1)")
    parser.add_argument(
        "--cold-folds", type=int, default=COLD_FOLDS, metavar="N", help=f"measure N of {COLD_FOLDS} folds (default all)"
    )
    arguments = parser.parse_args()
    settings = FusionSettings()
    if arguments.blocks is not None:
        settings = settings.model_copy(update={"blocks": tuple(arguments.blocks)})
    space = Workspace(arguments.work, remark)
    space.prepare(arguments.wheels)
    graph = open_store(str(space.store)).snapshot()
    events = graph.interactions()
    record = Record.begun("protocols", options_of(arguments), arguments.json)
    run = Protocols(graph, settings, arguments.seed)
    for protocol in arguments.protocols:
        found: dict[str, Found] = {}
        for part in parts_of(protocol, events, arguments.seed, arguments.cold_folds):
            run.measure(part, found)
        for row in rows_of(protocol, found):
            record.add(row)
    record.summary = {"removal_changes": verdicts(record.rows, settings.blocks)}
    record.write()
    show(record, arguments.protocols)
    return 0


def show(record: Record, protocols: list[str]) -> None:
    """Print the table, and name the blocks whose removal changes nothing."""
    models = list(dict.fromkeys(row["model"] for row in record.rows))
    table = []
    for model in models:
        line = [model]
        for protocol in protocols:
            row = record.find(protocol=protocol, model=model)
            assert row is not None
            difference = row["full_less_this"]
            if not model.startswith("without "):
                line.append(f"{row[METRIC]:.4f} ± {row['standard_error']:.4f}")
            else:
                line.append(difference_cell(difference["mean"], difference["p_value"]))
        table.append(line)
    title = f"{METRIC}; for models without a block: the full model's minus theirs (paired over users)"
    record.show(title, ("model", *protocols), table)
    for block, changes in record.summary["removal_changes"].items():
        better = [change[1:] for change in changes if change.startswith("-")]
        if not changes:
            print(f"{block}: its removal changes nothing significantly (p < {LEVEL}) under any of these protocols")
        if better:
            print(f"{block}: the model is significantly better without it under: {', '.join(better)}")


if __name__ == "__main__":
    run_script(main)
