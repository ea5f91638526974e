"""Given files: formats, columns by name, ids kept as they are, errors that name file and place."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whypath.io.files import (
    FileProblem,
    digest_files,
    read_candidates,
    read_exclusions,
    read_interactions,
    read_users,
)

ROWS = pd.DataFrame(
    {"user_id": ["007", "a b", "007"], "item_id": ["1", '"x', "1"], "rating": ["4", "3.5", "2"], "other": ["", "", ""]}
)


def written(folder: Path, name: str, frame: pd.DataFrame = ROWS) -> Path:
    path = folder / name
    if ".parquet" in name:
        frame.to_parquet(path)
    elif ".tsv" in name:
        text = "\n".join(["\t".join(frame.columns), *("\t".join(row) for row in frame.to_numpy())]) + "\n"
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    else:
        frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("name", ["f.tsv", "f.csv", "f.parquet", "f.tsv.gz", "f.csv.gz", "F.TSV"])
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    rows = read_interactions([written(tmp_path, name.lower()).rename(tmp_path / name)])
    assert rows.users.tolist() == ["007", "a b", "007"]
    assert rows.items.tolist() == ["1", '"x', "1"]
    assert rows.weights is not None
    assert rows.weights.tolist() == [4.0, 3.5, 2.0]
    assert rows.times is None


def test_several_files_follow_each_other_and_lack_columns_apart(tmp_path: Path) -> None:
    first = written(tmp_path, "a.tsv")
    second = tmp_path / "b.csv"
    second.write_text("item,user,timestamp\n9,u,1000\n")
    rows = read_interactions([first, second])
    assert len(rows) == 4
    assert rows.weights is not None
    assert np.isnan(rows.weights[3])
    assert rows.times is not None
    assert np.isnan(rows.times[:3]).all()
    assert rows.times[3] == 1000
    assert [file.name for file in rows.files] == ["a.tsv", "b.csv"]
    assert [file.sha256 for file in rows.files] == list(digest_files([first, second]))


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [("86400", 86400.0), ("1970-01-02", 86400.0), ("1970-01-02T01:00:00+01:00", 86400.0), ("", np.nan)],
)
def test_times_are_seconds_or_dates(tmp_path: Path, cell: str, seconds: float) -> None:
    path = tmp_path / "t.tsv"
    path.write_text(f"user\titem\ttime\n1\t2\t{cell}\n")
    rows = read_interactions([path])
    assert rows.times is not None
    np.testing.assert_array_equal(rows.times, [seconds])


def test_parquet_keeps_integer_ids_and_reads_timestamps(tmp_path: Path) -> None:
    frame = pd.DataFrame({"user": [1, 2], "item": [3, 4], "time": pd.to_datetime(["1970-01-02", None])})
    frame.to_parquet(tmp_path / "t.parquet")
    rows = read_interactions([tmp_path / "t.parquet"])
    assert rows.users.tolist() == ["1", "2"]
    assert rows.times is not None
    np.testing.assert_array_equal(rows.times, [86400.0, np.nan])


def test_users_and_candidates_need_their_column_only(tmp_path: Path) -> None:
    path = tmp_path / "items.tsv"
    path.write_text("item\tcold_fold\n2\t1\n1\t1\n2\t3\n")
    assert read_candidates(path) == ["2", "1"]
    with pytest.raises(
        FileProblem, match=r"items\.tsv: no column 'user' or 'user_id'; its columns are 'item', 'cold_fold'"
    ):
        read_users(path)
    path.write_text("user_id\n5\n3\n5\n")
    assert read_users(path) == ["5", "3"]


def test_exclusions_are_pairs_or_items_for_everybody(tmp_path: Path) -> None:
    items = tmp_path / "items.tsv"
    items.write_text("item\n9\n")
    found = read_exclusions([written(tmp_path, "pairs.tsv"), items])
    assert len(found.pairs) == 3
    assert found.items == ("9",)
    assert len(read_exclusions([]).pairs) == 0


BAD = {
    "missing.tsv": (None, "there is no such file"),
    "unknown.xlsx": (b"", "cannot tell its format"),
    "empty.tsv": (b"", "the file is empty"),
    "column.tsv": (b"usr\titem\n1\t2\n", "no column 'user' or 'user_id'; its columns are 'usr', 'item'"),
    "short.tsv": (b"user\titem\n1\t2\n3\n", "line 3: Expected 2 columns, got 1"),
    "long.csv": (b"user,item\n1,2,3\n", "line 2: Expected 2 columns, got 3"),
    "utf8.tsv": (b"user\titem\n1\t2\n\xff\t3\n", "line 3: not valid UTF-8"),
    "cut.tsv.gz": (gzip.compress(b"user\titem\n1\t2\n")[:-6], "not a whole gzip file"),
    "notgzip.tsv.gz": (b"user\titem\n1\t2\n", "not a whole gzip file"),
    "no.parquet": (b"PAR", "not a Parquet file that can be read"),
    "both.tsv": (b"user\titem\titem_id\n1\t2\t3\n", "columns 'item' and 'item_id' both name the item"),
    "twice.tsv": (b"user\titem\tuser\n1\t2\t3\n", "column 'user' is twice"),
    "noid.tsv": (b"user\titem\n1\t2\n1\t \n", "line 3: column 'item' is empty"),
    "weight.tsv": (b"user\titem\trating\n1\t2\tgood\n", "line 2: column 'rating' holds 'good', which is not a number"),
    "infinite.tsv": (b"user\titem\tweight\n1\t2\tinf\n", "line 2: column 'weight' holds 'inf', which is not a number"),
    "heavy.tsv": (b"user\titem\tweight\n1\t2\t3\n1\t2\t1e308\n", "line 3: column 'weight': 1e+308 is beyond 1e+15"),
    "milliseconds.tsv": (
        b"user\titem\ttime\n1\t2\t\n1\t2\t1700000000000\n",
        "line 3: column 'time': 1.7e+12 seconds since 1970 are not in the years 1 to 9999; milliseconds?",
    ),
    "time.tsv": (b"user\titem\ttime\n1\t2\tyesterday\n", "line 2: column 'time' holds 'yesterday'"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_named_with_place_and_reason(tmp_path: Path, name: str) -> None:
    content, reason = BAD[name]
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileProblem) as error:
        read_interactions([path])
    assert str(path) in str(error.value)
    assert reason in str(error.value)


def test_float_ids_in_parquet_are_refused(tmp_path: Path) -> None:
    pd.DataFrame({"user": [1.0, None], "item": ["a", "b"]}).to_parquet(tmp_path / "f.parquet")
    with pytest.raises(FileProblem, match="ids are strings or integers"):
        read_interactions([tmp_path / "f.parquet"])


def test_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    path.write_bytes(b'\xef\xbb\xbfuser,item\r\n1,"a, b"\r\n')
    rows = read_interactions([path])
    assert rows.users.tolist() == ["1"]
    assert rows.items.tolist() == ["a, b"]


ids = st.text(st.characters(exclude_characters="\t\r\n", exclude_categories=["Cs"]), min_size=1).filter(str.strip)


@given(st.lists(st.tuples(ids, ids), min_size=1, max_size=20))
def test_any_ids_survive_a_tab_separated_file(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("ids") / "f.tsv"
    path.write_text("user\titem\n" + "".join(f"{user}\t{item}\n" for user, item in pairs), encoding="utf-8", newline="")
    rows = read_interactions([path])
    assert list(zip(rows.users, rows.items, strict=True)) == pairs


@pytest.mark.parametrize(
    ("marked", "line"),
    [
        # One alone is an error of its row; two in one column make one row of many, which are then missing.
        ({9: 'u9,"i9,5,note'}, 11),
        ({9: 'u9,"i9,5,note', 1500: 'u1500,i1500",5,note'}, 11),
        ({9: 'u9,"i9,5,note', 30: 'u30,i30",5,note'}, 11),
        ({9: 'u9,"i9,5,note', 30: 'u30,"i30,5,note'}, 11),
        ({9: 'u9,i9,5,"note', 1500: 'u1500,i1500,5,note"'}, 11),
        ({1990: 'u1990,i1990,5,"note'}, 1992),
    ],
)
def test_a_quotation_mark_too_many_is_an_error_not_fewer_rows(
    tmp_path: Path, marked: dict[int, str], line: int
) -> None:
    path = tmp_path / "t.csv"
    rows = [marked.get(n, f"u{n},i{n},5,note") for n in range(2000)]
    path.write_text("user,item,rating,note\n" + "\n".join(rows) + "\n")
    with pytest.raises(FileProblem, match=f"line {line}"):
        read_interactions([path])


def test_texts_with_line_breaks_beside_the_ids_are_read(tmp_path: Path) -> None:
    note = 'said ""no"", and\n\nleft'
    path = tmp_path / "t.csv"
    path.write_text("user,item,rating,note\n" + "".join(f'u{n},i{n},5,"{note}"\n' for n in range(50)) + "\n\n")
    assert len(read_interactions([path])) == 50
