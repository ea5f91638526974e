"""The file of ranked lists: deterministic bytes in every format, whole or not at all."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.whypath.recommendations import listed
from whypath import Recommendations
from whypath.answering.recs import RecsProblem, check_name, write_lists

LISTS = [listed("007", ["b", 'x "y"'], [1.5, 1 / 3]), listed("9", []), listed("u,v", ["b"], [-2e-9])]


def test_tab_separated(tmp_path: Path) -> None:
    written = write_lists(tmp_path / "r.tsv", LISTS)
    assert (written.users, written.rows) == (2, 3)
    assert (tmp_path / "r.tsv").read_text() == (
        'user\titem\trank\tscore\n007\tb\t1\t1.5\n007\tx "y"\t2\t0.3333333\nu,v\tb\t1\t-2e-09\n'
    )


@pytest.mark.parametrize("name", ["r.tsv", "r.csv", "r.tsv.gz", "r.csv.gz", "r.parquet"])
def test_same_lists_same_bytes(tmp_path: Path, name: str) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_lists(tmp_path / folder / name, LISTS)
    assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert [path.name for path in (tmp_path / "a").iterdir()] == [name]


def test_other_formats_hold_the_same(tmp_path: Path) -> None:
    for name in ("r.csv", "r.parquet", "r.tsv.gz"):
        write_lists(tmp_path / name, LISTS)
    csv = pd.read_csv(tmp_path / "r.csv", dtype={"user": str})
    parquet = pd.read_parquet(tmp_path / "r.parquet")
    assert csv.user.tolist() == parquet.user.tolist() == ["007", "007", "u,v"]
    assert csv["item"].tolist() == parquet["item"].tolist()
    assert parquet["rank"].tolist() == [1, 2, 1]
    assert gzip.decompress((tmp_path / "r.tsv.gz").read_bytes()).startswith(b"user\titem\trank\tscore\n")


def test_an_error_on_the_way_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "r.tsv"
    path.write_text("old")

    def broken() -> Iterator[Recommendations]:
        yield LISTS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_lists(path, broken())
    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["r.tsv"]


@pytest.mark.parametrize("name", ["r.txt", "r", "r.parquet.gz", "r.gz", "nowhere/r.tsv", ""])
def test_names_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecsProblem):
        check_name(tmp_path / name)
