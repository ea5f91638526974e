"""Measure models on cold items of MovieLens-100k: five folds of items without events in training.

In fold f all events (train, valid, test of the fixed split) on the fold's items are the test, all others the training;
candidates are the fold's items. No setting is chosen: there is no valid part. Models are trained and called through the
commands of `whypath`, lists are scored by `score.py`. The rows:

  full                 graph, text and behaviour
  only-graph-no-text   the graph alone: `--only graph --no-text`
  only-graph, only-shared, only-gnn, only-text
  no-graph             the twin of `full` without relations, trained from scratch
  shuffle-graph        the twin of `full` on shuffled relations, trained from scratch

and controls without training: random order, the number of an item's facts (the same list for every user), and the sum
over entities shared with the history of 1 / degree^0.75.

Differences are paired over users pooled over the folds (a pair is a user in a fold), and over users' means, so that no
user counts five times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from benchmarks.commands import Model, Workspace
from benchmarks.records import Record, add_bench, difference_cell, options_of, parser_of, run_script
from benchmarks.shared_sum import SharedSum
from benchmarks.yardsticks import METRIC, Yardsticks, mean_of, read_rows, write_rows
from fusion.ranking import tie_break_keys, top_k
from fusion.significance import PairedDifference, paired_difference
from kg.graph import KnowledgeGraph
from kg.histories import Histories
from kg.opening import open_store
from whypath.cli.console import remark

EXAMPLES = """\
examples:
  python -m benchmarks.cold --json benchmarks/results/cold.json
  python -m benchmarks.cold --rows full no-graph --seed 2
  python -m benchmarks.cold --rows              # the controls alone
"""

MODELS = {
    "full": Model(),
    "only-graph-no-text": Model(("--only", "graph", "--no-text")),
    "only-graph": Model(("--only", "graph")),
    "only-gnn": Model(("--only", "gnn")),
    "only-shared": Model(("--only", "shared")),
    "only-text": Model(("--only", "text")),
    "no-graph": Model(("--no-graph",)),
    "shuffle-graph": Model(("--shuffle-graph",)),
}
CONTROLS = ("random", "facts", "shared-entities")
COMPARISONS = (
    ("full", "no-graph"),
    ("full", "shuffle-graph"),
    ("full", "shared-entities"),
    ("full", "only-text"),
    ("only-graph-no-text", "no-graph"),
    ("only-graph-no-text", "shared-entities"),
)
"""Pairs of rows whose difference is tested, first minus second."""
K = 20


@dataclass(frozen=True)
class Fold:
    """The files of one fold."""

    number: int
    train: Path
    test: Path
    items: Path


def write_folds(yard: Yardsticks, folder: Path) -> list[Fold]:
    """Write the files of all folds."""
    parts = [read_rows(path) for path in (yard.train, yard.valid, yard.test)]
    events = pd.concat(parts, ignore_index=True)
    items = read_rows(yard.items).rename(columns={"item": "item_id"})
    events = events.merge(items, on="item_id", validate="many_to_one")
    columns = parts[0].columns
    folds = []
    for number, own in items.groupby("cold_fold"):
        cold = events.cold_fold == number
        place = folder / f"fold-{number}"
        folds.append(
            Fold(
                int(str(number)),
                write_rows(place / "train.tsv", pd.DataFrame(events.loc[~cold, columns])),
                write_rows(place / "test.tsv", pd.DataFrame(events.loc[cold, columns])),
                write_rows(place / "items.tsv", pd.DataFrame({"item_id": own["item_id"]})),
            )
        )
    return folds


class Controls:
    """Lists of the controls, from the facts of the loaded graph."""

    def __init__(self, graph: KnowledgeGraph, seed: int) -> None:
        self._graph = graph
        self._seed = seed
        self._shared = SharedSum(graph)

    def write(self, name: str, fold: Fold, out: Path) -> None:
        """Write a control's lists for the fold's test users, as `whypath recommend` would."""
        graph = self._graph
        candidates = graph.item_indices(read_rows(fold.items).item_id.tolist()).astype(np.intp)
        train = read_rows(fold.train)
        users = pd.Index(read_rows(fold.test).user_id.unique())
        rows = users.get_indexer(pd.Index(train.user_id))
        items = graph.item_indices(train.item_id.tolist())
        # A test user without history has an empty row, and a list ordered by tie-breaking alone.
        kept = (rows >= 0) & (items >= 0)
        ones = np.ones(int(kept.sum()), dtype=np.float32)
        matrix = sp.csr_array((ones, (rows[kept], items[kept])), shape=(len(users), graph.n_items))
        scores = self.scores(name, Histories.of_matrix(matrix), candidates, fold.number)
        ids = graph.item_ids.take(candidates).to_list()
        found = top_k(scores.astype(np.float32), K, tie_break=tie_break_keys(ids))
        row, rank = np.nonzero(found.items >= 0)
        listed = [ids[place] for place in found.items[row, rank]]
        write_rows(out, pd.DataFrame({"user": users[row], "item": listed, "rank": rank + 1}))

    def scores(self, name: str, histories: Histories, candidates: np.ndarray, fold: int) -> np.ndarray:
        """A control's scores [n_users, n_candidates]."""
        n_users = len(histories)
        if name == "random":
            return np.random.default_rng([self._seed, fold]).random((n_users, len(candidates)))
        if name == "facts":
            counts = self._graph.item_facts().degrees()[candidates]
            return np.broadcast_to(counts, (n_users, len(candidates)))
        return self._shared.scores(histories, candidates)


class Measurement:
    """Measures every row in every fold, and compares rows."""

    def __init__(self, space: Workspace, yard: Yardsticks, record: Record, seed: int) -> None:
        self._space = space
        self._yard = yard
        self._record = record
        self._seed = seed
        self.values: dict[str, dict[int, pd.Series]] = {}
        """Users' values of the measure, by row and fold."""

    def model(self, name: str, model: Model, fold: Fold) -> None:
        """Train a model in a fold and get its lists, unless the record has it already and its lists exist."""
        if self._known(name, fold):
            return
        lists = self._lists(name, fold)
        remark(f"== {name}, fold {fold.number}")
        trained = self._space.train("cold", model, fold.train, None, self._seed)
        recommended = self._space.recommend(
            trained.bundle, lists, history=fold.train, users=fold.test, candidates=fold.items, k=K
        )
        took = {"train": trained.took.to_json(), "recommend": recommended.to_json()}
        self._keep(name, fold, {"flags": list(model.flags), **took, "bundle_digest": trained.digest})

    def control(self, name: str, fold: Fold, write: Callable[[str, Fold, Path], None]) -> None:
        """Score a control in a fold."""
        if not self._known(name, fold):
            write(name, fold, self._lists(name, fold))
            self._keep(name, fold, {"control": True})

    def _lists(self, name: str, fold: Fold) -> Path:
        return self._space.folder / "cold" / f"{name}-{fold.number}-{self._seed}.tsv"

    def _score(self, name: str, fold: Fold) -> dict[str, float]:
        scored = self._yard.score(self._lists(name, fold), fold.test, candidates=fold.items, exclude=(fold.train,))
        self.values.setdefault(name, {})[fold.number] = scored.per_user[METRIC]
        return {measure: scored.mean(measure) for measure in scored.figures}

    def _known(self, name: str, fold: Fold) -> bool:
        there = self._record.find(row=name, fold=fold.number, seed=self._seed) is not None
        if there and self._lists(name, fold).exists():
            self._score(name, fold)
            return True
        return False

    def _keep(self, name: str, fold: Fold, more: dict[str, Any]) -> None:
        figures = self._score(name, fold)
        self._record.add({"row": name, "fold": fold.number, "seed": self._seed, "figures": figures, **more})
        remark(f"== {name}, fold {fold.number}: {METRIC} {figures[METRIC]:.4f}")

    def means(self) -> dict[str, dict[str, float]]:
        """Mean over the folds' means and their standard deviation, by row."""
        found = {}
        for name, folds in self.values.items():
            values = np.array([mean_of(users) for users in folds.values()])
            spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
            found[name] = {METRIC: float(values.mean()), "standard_deviation_over_folds": spread}
        return found

    def comparisons(self) -> list[dict[str, Any]]:
        """The tests of `COMPARISONS` whose rows were both measured."""
        found = []
        for first, second in COMPARISONS:
            if first in self.values and second in self.values:
                pooled, by_user = self._paired(first, second)
                row = {"row": first, "less": second, "pooled": asdict(pooled), "by_user": asdict(by_user)}
                found.append(row)
        return found

    def _paired(self, first: str, second: str) -> tuple[PairedDifference, PairedDifference]:
        users: dict[str, list[float]] = {}
        for fold, own in self.values[first].items():
            other = self.values[second][fold].reindex(own.index)
            for user, difference in zip(own.index, own.to_numpy() - other.to_numpy(), strict=True):
                users.setdefault(user, []).append(float(difference))
        pooled = np.concatenate([np.array(values) for values in users.values()])
        means = np.array([sum(values) / len(values) for values in users.values()])
        return paired_difference(pooled, np.zeros(len(pooled))), paired_difference(means, np.zeros(len(means)))


def main() -> int:
    """Measure, write the record, print."""
    parser = parser_of(__doc__)
    parser.epilog = EXAMPLES
    add_bench(parser)
    parser.add_argument("--rows", nargs="*", choices=list(MODELS), metavar="ROW", help="models (default: all)")
    parser.add_argument("--folds", nargs="+", type=int, metavar="N", help="folds (default: all five)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of training and of the random order")
    parser.add_argument("--resume", action="store_true", help="keep the rows of --json that --work has lists of")
    arguments = parser.parse_args()
    yard = Yardsticks.at(arguments.bench)
    space = Workspace(arguments.work, remark)
    record = Record.begun("cold", options_of(arguments), arguments.json, resume=arguments.resume)
    space.prepare(arguments.wheels)
    folds = write_folds(yard, arguments.work / "cold")
    if arguments.folds is not None:
        folds = [fold for fold in folds if fold.number in arguments.folds]
    run = Measurement(space, yard, record, arguments.seed)
    controls = Controls(open_store(str(space.store)).snapshot(), arguments.seed)
    for fold in folds:
        for name in CONTROLS:
            run.control(name, fold, controls.write)
    for name in MODELS if arguments.rows is None else arguments.rows:
        for fold in folds:
            run.model(name, MODELS[name], fold)
    record.summary = {"means": run.means(), "comparisons": run.comparisons()}
    record.write()
    show(run, record, folds)
    return 0


def show(run: Measurement, record: Record, folds: list[Fold]) -> None:
    """Print both tables."""
    rows = []
    for name, found in record.summary["means"].items():
        by_fold = [f"{mean_of(run.values[name][fold.number]):.4f}" for fold in folds]
        took = [row["train"] for fold in folds if "train" in (row := record.find(row=name, fold=fold.number) or {})]
        seconds = f"{np.mean([t['seconds'] for t in took]):.0f}" if took else ""
        memory = f"{max(t['peak_mb'] for t in took):.0f}" if took else ""
        mean = f"{found[METRIC]:.4f} ± {found['standard_deviation_over_folds']:.4f}"
        rows.append([name, mean, *by_fold, seconds, memory])
    numbers = [f"fold {fold.number}" for fold in folds]
    title = f"Cold items: {METRIC}, mean ± standard deviation over folds"
    record.show(title, ("model", "mean", *numbers, "train s a fold", "train MB"), rows)
    tests = [
        [
            f"{found['row']} less {found['less']}",
            difference_cell(found["pooled"]["mean"], found["pooled"]["p_value"]),
            f"{found['pooled']['n_users']:,}",
            difference_cell(found["by_user"]["mean"], found["by_user"]["p_value"]),
        ]
        for found in record.summary["comparisons"]
    ]
    record.show("Paired tests", ("difference", "users pooled over folds", "pairs", "users' means"), tests)


if __name__ == "__main__":
    run_script(main)
