"""The given splits, the peers' lists, and the scorer that is not part of the project (`score.py`), run as a process."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from kg.tsv_cells import text_of_cell, tsv_cell

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "bench"
"""Folder of the yardsticks on a machine that has them: beside the checkout."""

METRIC = "ndcg@10"


class YardsticksMissing(RuntimeError):
    """The folder with splits and scorer does not exist."""


@dataclass(frozen=True)
class Figure:
    """A mean over users with its standard error."""

    mean: float
    standard_error: float


@dataclass(frozen=True)
class Paired:
    """A paired difference over users: two-sided p, 95 % bootstrap interval from `low` to `high`."""

    mean: float
    standard_error: float
    p: float
    low: float
    high: float


@dataclass(frozen=True)
class Scored:
    """The scorer's results for a list: measures with standard errors, and distinct items listed.

    per_user: the users' own values of each measure, indexed by user.
    """

    figures: Mapping[str, Figure]
    items: Mapping[str, int]
    per_user: Mapping[str, pd.Series]

    def mean(self, measure: str) -> float:
        """The mean over users, with more digits than the scorer prints."""
        return mean_of(self.per_user[measure])


@dataclass(frozen=True)
class Yardsticks:
    """The folder `bench`: `score.py` and the fixed split of MovieLens-100k."""

    folder: Path

    @classmethod
    def at(cls, folder: Path) -> Yardsticks:
        """Raises YardsticksMissing."""
        if not (folder / "score.py").is_file() or not (folder / "ml100k" / "train.tsv.gz").is_file():
            raise YardsticksMissing(
                f"{folder} has no score.py with ml100k/train.tsv.gz; this measurement needs the fixed split and its "
                "scorer: name their folder with --bench"
            )
        return cls(folder)

    @property
    def train(self) -> Path:
        return self._file("train")

    @property
    def valid(self) -> Path:
        return self._file("valid")

    @property
    def test(self) -> Path:
        return self._file("test")

    @property
    def items(self) -> Path:
        """All items of the split, with the fold (1 to 5) in which each is cold."""
        return self._file("items")

    def peers(self) -> dict[str, Path]:
        """Peers' lists on test by the peer's name."""
        found = sorted((self.folder / "ml100k").glob("peer-*.tsv.gz"))
        return {path.name.removeprefix("peer-").removesuffix(".tsv.gz"): path for path in found}

    def score(self, lists: Path, test: Path, *, candidates: Path, exclude: Sequence[Path] = ()) -> Scored:
        """Score a file of lists. Raises RuntimeError where the scorer finds an error in them."""
        per_user = lists.with_name(f"{lists.name}.users.tsv")
        told = self._run(lists, test, candidates, exclude, "--per-user", str(per_user))
        figures, items = {}, {}
        for name, *rest in told:
            if name.startswith("items@"):
                items[name] = int(rest[0])
            elif len(rest) == 2 and rest[1].startswith("±"):
                figures[name] = Figure(float(rest[0]), float(rest[1].removeprefix("±")))
        frame = pd.read_csv(per_user, sep="\t", dtype={"user": str}, index_col="user")
        frame.index = frame.index.map(text_of_cell)
        per_user.unlink()
        per_measure = {name: pd.Series(frame[name].to_numpy(np.float64), index=frame.index) for name in figures}
        return Scored(figures, items, per_measure)

    def against(
        self, lists: Path, other: Path, test: Path, *, candidates: Path, exclude: Sequence[Path] = ()
    ) -> dict[str, Paired]:
        """The paired difference of two files of lists, by measure."""
        told = self._run(lists, test, candidates, exclude, "--against", str(other))
        return {
            name: Paired(*(float(cell) for cell in rest[:3]), *(float(end) for end in rest[3].strip("[]").split(",")))
            for name, *rest in told
            if len(rest) == 4
        }

    def _file(self, name: str) -> Path:
        return self.folder / "ml100k" / f"{name}.tsv.gz"

    def _run(self, lists: Path, test: Path, candidates: Path, exclude: Sequence[Path], *more: str) -> list[list[str]]:
        command = [sys.executable, str(self.folder / "score.py"), str(lists), str(test)]
        command += ["--candidates", str(candidates), *more]
        if exclude:
            command += ["--exclude", *map(str, exclude)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"score.py on {lists}: {done.stderr.strip()}")
        return [line.split("\t") for line in done.stdout.splitlines()]


def mean_of(values: pd.Series) -> float:
    """The mean over users."""
    return float(np.mean(values.to_numpy(np.float64)))


def read_rows(path: Path) -> pd.DataFrame:
    """Read a .tsv or .tsv.gz: values unchanged, or as before `kg.tsv_cells` escaped them."""
    rows = pd.read_csv(path, sep="\t", dtype=str, quoting=csv.QUOTE_NONE, keep_default_na=False)
    return rows.map(text_of_cell)


def write_rows(path: Path, rows: pd.DataFrame) -> Path:
    """Write a .tsv with a header; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = rows.map(lambda value: tsv_cell(value) if isinstance(value, str) else value)
    cells.to_csv(path, sep="\t", index=False, quoting=csv.QUOTE_NONE)
    return path
