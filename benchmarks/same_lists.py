"""Whether this version and another one give the same lists on the fixed split of MovieLens-100k: each prepares the
demo's domain, loads it, trains with one seed and recommends by its own code, with this environment's packages.

Lists are compared rank by rank; the exit status is 1 where two scores of one rank differ by more than 1e-6 of the
largest. Lists in which items of such close scores change places are counted, and are no difference."""

from __future__ import annotations

import csv
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.records import ROOT, Record, add_bench, options_of, parser_of, run_script
from benchmarks.running import run
from benchmarks.yardsticks import YardsticksMissing
from whypath.cli.console import remark

EXAMPLES = """\
examples:
  git worktree add ../earlier v0.1.0 && python -m benchmarks.same_lists ../earlier
"""

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Lists:
    """Items and scores by user, best first."""

    items: dict[str, list[str]]
    scores: dict[str, list[float]]


def lists_of(code: Path, folder: Path, split: Path, seed: int, wheels: Path | None) -> Lists:
    """The lists of all test users, by the code of a checkout."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environment = {**os.environ, "PYTHONPATH": str(code)}
    train, valid, test = (str(split / f"{part}.tsv.gz") for part in ("train", "valid", "test"))
    store, model = ["--store", str(folder / "store")], ["--bundle", str(folder / "bundle")]
    whom = ["--history", train, "--users", test, "--candidates", str(split / "items.tsv.gz")]
    for arguments in (
        ["demo", "--prepare", str(folder / "domain"), *([] if wheels is None else ["--wheels", str(wheels)])],
        ["load", str(folder / "domain" / "domain.yaml"), *store],
        ["train", *store, *model, "--train", train, "--valid", valid, "--seed", str(seed)],
        ["recommend", *store, *model, *whom, "--exclude", valid, "-k", "20", "--out", str(folder / "lists.tsv")],
    ):
        remark(f"== {code.name}: whypath {arguments[0]}")
        # Not from the current folder (-P), which is one of the two checkouts.
        run([sys.executable, "-P", "-m", "whypath", *arguments], tell=lambda _: None, env=environment)
    return read_lists(folder / "lists.tsv")


def read_lists(path: Path) -> Lists:
    """Lists as `whypath recommend --out` writes them."""
    lists = Lists({}, {})
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            lists.items.setdefault(row["user"], []).append(row["item"])
            lists.scores.setdefault(row["user"], []).append(float(row["score"]))
    return lists


@dataclass(frozen=True)
class Difference:
    """Of two sets of lists: users, users whose items are in another order, and the largest difference of two scores
    of one rank, as a share of the largest score."""

    users: int
    reordered: int
    score: float


def difference(this: Lists, other: Lists) -> Difference:
    """Compare lists rank by rank. Raises RuntimeError where they are not of the same users and lengths."""
    if {user: len(items) for user, items in this.items.items()} != {u: len(i) for u, i in other.items.items()}:
        raise RuntimeError("the two versions do not list for the same users, or not equally many items")
    users = sorted(this.items)
    reordered = sum(this.items[user] != other.items[user] for user in users)
    mine = np.concatenate([this.scores[user] for user in users])
    others = np.concatenate([other.scores[user] for user in users])
    return Difference(len(users), reordered, float(np.abs(mine - others).max() / np.abs(others).max()))


def main() -> int:
    """Compare, keep, print."""
    parser = parser_of(__doc__)
    parser.epilog = EXAMPLES
    parser.add_argument("other", type=Path, help="a checkout of the version to compare with")
    parser.add_argument("--seed", type=int, default=1)
    add_bench(parser)
    arguments = parser.parse_args()
    split = arguments.bench / "ml100k"
    if not split.is_dir():
        raise YardsticksMissing(f"{split} is not there; name the folder with the fixed split with --bench")
    record = Record.begun("same_lists", options_of(arguments) | {"other": arguments.other.name}, arguments.json)
    versions = (("this", ROOT), ("other", arguments.other.resolve()))
    this, other = (
        lists_of(code, arguments.work / "same-lists" / name, split, arguments.seed, arguments.wheels)
        for name, code in versions
    )
    found = difference(this, other)
    record.add({"users": found.users, "reordered": found.reordered, "score_difference": found.score})
    rows = [[f"{found.users:,}", f"{found.reordered:,}", f"{found.score:.2g}"]]
    record.show("Lists of two versions", ["users", "lists in another order", "largest difference of scores"], rows)
    return 0 if found.score <= TOLERANCE else 1


if __name__ == "__main__":
    run_script(main)
