"""Measure models on the fixed split of MovieLens-100k through the commands of `whypath`, scored by `score.py`.

Prepares and loads the demo domain, then for every row: `train --train train --valid valid --seed N`, `recommend
--history train --users test --candidates items --exclude train valid -k 20`. The rows, by name or by group:

  fusion     the full model, once for every seed
  alone      only-ease, only-ials, … only-text: each block alone
  families   only-behavior, only-graph, only-graph-no-text
  without    without-ease, …: one block left out, gates fitted again on the rest
  twins      no-graph, shuffle-graph, no-text: trained from scratch

Every row is compared with the peers' lists by score.py's paired test, and with the fusion of the same seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.commands import Model, Workspace
from benchmarks.records import Record, add_bench, difference_cell, options_of, parser_of, run_script
from benchmarks.yardsticks import METRIC, Scored, Yardsticks, mean_of
from fusion.registry import ENCODERS
from fusion.settings import FusionSettings
from fusion.significance import paired_difference
from whypath.cli.console import remark

EXAMPLES = """\
examples:
  python -m benchmarks.ml100k --json benchmarks/results/ml100k.json
  python -m benchmarks.ml100k --rows fusion --seeds 1
  python -m benchmarks.ml100k --rows alone twins --seeds 1 2 --all-seeds
"""

FUSION = "fusion"
BASELINE = "EASE"
"""The peer that rows are compared with in the table."""
COMPARED = (METRIC, "recall@20")
"""Measures whose paired differences are recorded."""


def rows_by_group() -> dict[str, dict[str, Model]]:
    """All rows, by group and name."""
    blocks = FusionSettings().blocks
    extra = [name for name in ENCODERS if name not in blocks]
    no_text = ("--no-text",)
    return {
        FUSION: {FUSION: Model()},
        "alone": {f"only-{name}": Model(("--only", name)) for name in (*blocks, *extra)},
        "families": {
            "only-behavior": Model(("--only", "behavior")),
            "only-graph": Model(("--only", "graph")),
            "only-graph-no-text": Model(("--only", "graph", *no_text)),
        },
        "without": {f"without-{name}": Model(without=name) for name in blocks},
        "twins": {
            "no-graph": Model(("--no-graph",)),
            "shuffle-graph": Model(("--shuffle-graph",)),
            "no-text": Model(no_text),
        },
    }


def chosen_rows(wanted: Iterable[str] | None) -> dict[str, Model]:
    """The rows of the given names and groups, all rows if none; fusion first, others are compared with it."""
    groups = rows_by_group()
    by_name = {name: model for group in groups.values() for name, model in group.items()}
    if wanted is None:
        return by_name
    names: set[str] = set()
    for name in wanted:
        if name not in groups and name not in by_name:
            raise RuntimeError(f"there is no row {name!r}; name groups ({', '.join(groups)}) or {', '.join(by_name)}")
        names.update(groups.get(name, {name: Model()}))
    return {name: model for name, model in by_name.items() if name in names}


class Measurement:
    """A run on the split: train, recommend, score, record."""

    def __init__(self, space: Workspace, yard: Yardsticks, record: Record) -> None:
        self._space = space
        self._yard = yard
        self._record = record
        self._exclude = (yard.train, yard.valid)
        self._peers = yard.peers()
        self.per_user: dict[tuple[str, int], pd.Series] = {}

    def peers(self) -> None:
        """Score the peers' lists by the same program."""
        for name, lists in self._peers.items():
            copy = self._space.folder / "lists" / lists.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(lists.read_bytes())
            scored = self._score(copy)
            self.per_user[name, 0] = scored.per_user[METRIC]
            if self._record.find(row=name) is None:
                self._record.add({"row": name, "peer": True, **figures_of(scored)})

    def row(self, name: str, model: Model, seed: int) -> None:
        """Measure one row with one seed, unless the record has it already and its lists exist."""
        lists = self._space.folder / "lists" / f"{name}-{seed}.tsv"
        if self._record.find(row=name, seed=seed) is not None and lists.exists():
            self.per_user[name, seed] = self._score(lists).per_user[METRIC]
            return
        yard = self._yard
        remark(f"== {name}, seed {seed}")
        trained = self._space.train("ml100k", model, yard.train, yard.valid, seed)
        recommended = self._space.recommend(
            trained.bundle,
            lists,
            history=yard.train,
            users=yard.test,
            candidates=yard.items,
            exclude=self._exclude,
        )
        scored = self._score(lists)
        self.per_user[name, seed] = scored.per_user[METRIC]
        others = dict(self._peers) if name == FUSION else {BASELINE: self._peers[BASELINE]}
        fusion = self._space.folder / "lists" / f"{FUSION}-{seed}.tsv"
        if name != FUSION and (FUSION, seed) in self.per_user:
            others[FUSION] = fusion
        against = {other: self._against(lists, path) for other, path in others.items()}
        row = {
            "row": name,
            "seed": seed,
            "flags": list(model.flags),
            "without": model.without,
            **figures_of(scored),
            "against": against,
            "train": trained.took.to_json(),
            "recommend": recommended.to_json(),
            "bundle_digest": trained.digest,
        }
        self._record.add(row)
        figure = scored.figures[METRIC]
        remark(f"== {name}, seed {seed}: {METRIC} {figure.mean:.4f} ± {figure.standard_error:.4f}")

    def over_seeds(self) -> dict[str, Any]:
        """Rows with several seeds: mean and spread of the means, and the users' means over seeds against the peers'."""
        found = {}
        for name in dict.fromkeys(name for name, _ in self.per_user):
            runs = [values for (row, _), values in self.per_user.items() if row == name]
            if len(runs) < 2:
                continue
            means = np.array([mean_of(values) for values in runs])
            # All files of lists are scored on the same users in the same order.
            users = np.mean([values.to_numpy(np.float64) for values in runs], axis=0)
            against = {}
            for peer in self._peers:
                test = paired_difference(users, self.per_user[peer, 0].reindex(runs[0].index).to_numpy(np.float64))
                against[peer] = {"mean": test.mean, "standard_error": test.standard_error, "p": test.p_value}
            found[name] = {
                "seeds": len(runs),
                METRIC: float(means.mean()),
                "standard_deviation_over_seeds": float(means.std(ddof=1)),
                "least": float(means.min()),
                "most": float(means.max()),
                "mean_over_seeds_against": against,
            }
        return found

    def _score(self, lists: Path) -> Scored:
        return self._yard.score(lists, self._yard.test, candidates=self._yard.items, exclude=self._exclude)

    def _against(self, lists: Path, other: Path) -> dict[str, Any]:
        found = self._yard.against(lists, other, self._yard.test, candidates=self._yard.items, exclude=self._exclude)
        return {name: asdict(found[name]) for name in COMPARED}


def figures_of(scored: Scored) -> dict[str, Any]:
    """The scorer's results as recorded; means from the users' values, which have more digits than are printed."""
    measures = {
        name: {"mean": scored.mean(name), "standard_error": figure.standard_error}
        for name, figure in scored.figures.items()
    }
    return {"users": len(scored.per_user[METRIC]), "figures": measures, "items_listed": dict(scored.items)}


def table_rows(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Cells of the printed table."""
    cells = []
    for row in rows:
        figures = row["figures"]
        name = f"{row['row']} (peer's lists)" if row.get("peer") else f"{row['row']}, seed {row['seed']}"
        line = [name, f"{figures[METRIC]['mean']:.4f} ± {figures[METRIC]['standard_error']:.4f}"]
        line.append(f"{figures['recall@20']['mean']:.4f}")
        for other in (BASELINE, FUSION):
            found = row.get("against", {}).get(other)
            line.append("" if found is None else difference_cell(found[METRIC]["mean"], found[METRIC]["p"]))
        took = row.get("train")
        line += (
            ["", "", ""]
            if took is None
            else [
                f"{took['seconds']:.0f}",
                f"{took['peak_mb']:.0f}",
                f"{row['recommend']['seconds']:.0f}",
            ]
        )
        cells.append(line)
    return cells


def main() -> int:
    """Measure, write the record, print."""
    parser = parser_of(__doc__)
    parser.epilog = EXAMPLES
    add_bench(parser)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5], metavar="N", help="default 1 to 5")
    parser.add_argument("--rows", nargs="+", metavar="ROW", help="rows or groups of rows (default: all)")
    parser.add_argument("--all-seeds", action="store_true", help="every row with every seed, not fusion alone")
    parser.add_argument("--resume", action="store_true", help="keep the rows of --json that --work has lists of")
    arguments = parser.parse_args()
    yard = Yardsticks.at(arguments.bench)
    rows = chosen_rows(arguments.rows)
    space = Workspace(arguments.work, remark)
    record = Record.begun("ml100k", options_of(arguments), arguments.json, resume=arguments.resume)
    record.summary["setup"] = {name: took.to_json() for name, took in space.prepare(arguments.wheels).items()}
    run = Measurement(space, yard, record)
    run.peers()
    for name, model in rows.items():
        for seed in arguments.seeds if name == FUSION or arguments.all_seeds else arguments.seeds[:1]:
            run.row(name, model, seed)
    record.summary["over_seeds"] = run.over_seeds()
    record.write()
    record.show(
        "MovieLens-100k, fixed split, full ranking",
        ("model", METRIC, "recall@20", f"less {BASELINE}", "less fusion, same seed", "train s", "train MB", "lists s"),
        table_rows(record.rows),
    )
    for name, found in record.summary["over_seeds"].items():
        test = found["mean_over_seeds_against"][BASELINE]
        print(
            f"{name}: mean over {found['seeds']} seeds {found[METRIC]:.4f} "
            f"(from {found['least']:.4f} to {found['most']:.4f}), "
            f"users' means over seeds less {BASELINE}: {difference_cell(test['mean'], test['p'])}"
        )
    return 0


if __name__ == "__main__":
    run_script(main)
