"""Measure what a model reveals about its users, and what the floor `--min-users` costs, on the fixed split.

For each floor the full model is trained, its lists on test are scored by `score.py` and compared with those of the
model without a floor, paired over users. Then its bundle is read as by an attacker who has nothing else: for an item
that one, two or three users had, the items nearest to it in each part of the model are guessed to be an owner's
history. The table has the share of the owners' histories that is recovered, beside the share that guesses of the most
popular items recover.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray
from safetensors.numpy import load_file

from benchmarks.commands import Model, Workspace
from benchmarks.records import Record, add_bench, difference_cell, options_of, parser_of, run_script
from benchmarks.yardsticks import METRIC, Yardsticks, read_rows
from whypath.cli.console import remark

EXAMPLES = """\
examples:
  python -m benchmarks.privacy --json benchmarks/results/privacy.json
  python -m benchmarks.privacy --floors 1 2 --seeds 1 2 3
"""

OWNERS = (1, 2, 3)
"""Numbers of users of the items that are attacked."""

SHORTEST = 20
"""Minimal number of other items in an owner's history: in shorter ones too much is recovered by chance."""


def nearness(bundle: Path) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """For each block that holds behaviour: similarities of items [n_items, n_items], from the block's file alone."""
    for path in sorted((bundle / "model").glob("block-*.safetensors")):
        tensors = load_file(path)
        if "weights" in tensors and tensors["weights"].ndim == 2 and len(set(tensors["weights"].shape)) == 1:
            both = tensors["weights"] + tensors["weights"].T
        elif "vectors" in tensors:
            both = tensors["vectors"] @ tensors["vectors"].T
        elif "collaborative" in tensors:
            own = tensors["collaborative"]
            both = own @ tensors["collaborative_history"].T @ own.T
        elif "behavior" in tensors:
            both = tensors["behavior"] @ tensors["behavior"].T
        else:
            continue
        yield path.stem.removeprefix("block-"), both.astype(np.float64)


def recovered(bundle: Path, train: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """A row per block and number of owners: mean share of the owners' histories that is recovered."""
    items = pq.read_table(bundle / "model" / "items.parquet")
    ids, told = items["item"].to_pylist(), items["users"].to_numpy().astype(np.float64)
    place = {item: row for row, item in enumerate(ids)}
    histories = {user: {place[item] for item in part if item in place} for user, part in train.groupby("user")["item"]}
    owners = {place[item]: list(part) for item, part in train.groupby("item")["user"] if item in place}
    counts = np.zeros(len(ids))
    for item, users in owners.items():
        counts[item] = len(users)
    parts = {"popularity": np.broadcast_to(counts, (len(ids), len(ids))), **dict(nearness(bundle))}
    for block, near in parts.items():
        for number in OWNERS:
            shares = [
                max(
                    _share(score, histories[user] - {item}, item)
                    # An attacker tries both: similarity, and similarity relative to the item's popularity.
                    for score in (
                        (near[item],) if block == "popularity" else (near[item], near[item] / np.sqrt(told + 1))
                    )
                )
                for item in np.flatnonzero(counts == number).tolist()
                for user in owners[item]
                if len(histories[user]) > SHORTEST
            ]
            yield {
                "block": block,
                "owners": number,
                "attacked": len(shares),
                "recovered": float(np.mean(shares)) if shares else None,
            }


def _share(score: NDArray[np.float64], history: set[int], item: int) -> float:
    score = score.copy()
    score[item] = -np.inf
    if not np.any(score[np.isfinite(score)]):
        return 0.0  # the model has no information on this item
    return len(history & set(np.argsort(-score, kind="stable")[: len(history)].tolist())) / len(history)


def main() -> int:
    """Measure, write the record, print."""
    parser = parser_of(__doc__)
    parser.epilog = EXAMPLES
    add_bench(parser)
    parser.add_argument("--floors", type=int, nargs="+", default=[1, 2, 3, 5], metavar="N", help="default 1 2 3 5")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], metavar="N", help="default 1 to 3")
    arguments = parser.parse_args()
    yard = Yardsticks.at(arguments.bench)
    space = Workspace(arguments.work, remark)
    record = Record.begun("privacy", options_of(arguments), arguments.json)
    space.prepare(arguments.wheels)
    columns = {"user_id": "user", "item_id": "item"}
    train = read_rows(yard.train).rename(columns=columns)
    exclude = (yard.train, yard.valid)
    for seed in arguments.seeds:
        for floor in sorted(arguments.floors):
            remark(f"== floor {floor}, seed {seed}")
            lists = space.folder / "lists" / f"privacy-{floor}-{seed}.tsv"
            trained = space.train("privacy", Model(("--min-users", str(floor))), yard.train, yard.valid, seed)
            space.recommend(
                trained.bundle, lists, history=yard.train, users=yard.test, candidates=yard.items, exclude=exclude
            )
            scored = yard.score(lists, yard.test, candidates=yard.items, exclude=exclude)
            row: dict[str, Any] = {"floor": floor, "seed": seed, METRIC: scored.mean(METRIC)}
            first = space.folder / "lists" / f"privacy-{min(arguments.floors)}-{seed}.tsv"
            if lists != first:
                found = yard.against(lists, first, yard.test, candidates=yard.items, exclude=exclude)[METRIC]
                row |= {"less": found.mean, "p": found.p}
            if seed == arguments.seeds[0]:
                row["recovered"] = list(recovered(trained.bundle, train))
            record.add(row)
    record.show(
        "What the floor costs: MovieLens-100k, fixed split, full model",
        ("floor", "seed", METRIC, f"less floor {min(arguments.floors)}"),
        [[str(row["floor"]), str(row["seed"]), f"{row[METRIC]:.4f}", _difference(row)] for row in record.rows],
    )
    told = {row["floor"]: row["recovered"] for row in record.rows if "recovered" in row}
    record.show(
        "Share of an owner's other items that is read from a bundle, by the number of owners of an item",
        ("part", "owners", "attacked", *(f"floor {floor}" for floor in told)),
        _recovery_rows(told),
    )
    return 0


def _difference(row: Mapping[str, Any]) -> str:
    return difference_cell(row["less"], row["p"]) if "less" in row else ""


def _recovery_rows(told: Mapping[int, Sequence[Mapping[str, Any]]]) -> list[list[str]]:
    by_part = {
        (each["block"], each["owners"]): {
            floor: found
            for floor, rows in told.items()
            for found in rows
            if (found["block"], found["owners"]) == (each["block"], each["owners"])
        }
        for rows in told.values()
        for each in rows
    }
    cells = []
    for (block, owners), floors in by_part.items():
        attacked = next(iter(floors.values()))["attacked"]
        shares = (floors[floor]["recovered"] if floor in floors else None for floor in told)
        cells.append(
            [block, str(owners), str(attacked), *("" if share is None else f"{share:.3f}" for share in shares)]
        )
    return cells


if __name__ == "__main__":
    run_script(main)
