"""Parquet from anybody's file: the columns that are expected, whole, in bounded memory, or a ValueError."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusion.parquet_footer import read_footer
from fusion.strict_parquet import read_parquet

SCHEMA = pa.schema([("item", pa.string()), ("users", pa.float32())])
N = 500


def table(n: int = N, **columns: Any) -> pa.Table:
    made = {"item": pa.array([f"item-{row}" for row in range(n)], pa.string()), "users": np.arange(n, dtype=np.float32)}
    return pa.table({**made, **columns})


WAYS: list[dict[str, Any]] = [
    {},
    {"use_dictionary": False},
    {"compression": "none"},
    {"row_group_size": 60},
    {"data_page_size": 100, "dictionary_pagesize_limit": 500},
    {"data_page_version": "2.0"},
]
"""Ways to write the same table."""


@pytest.mark.parametrize("options", WAYS, ids=str)
def test_a_sound_table_is_read_as_it_is(tmp_path: Path, options: dict[str, Any]) -> None:
    for n in (N, 1, 0):
        pq.write_table(table(n), tmp_path / "x.parquet", **options)
        found = read_parquet(tmp_path / "x.parquet", SCHEMA)
        assert found.equals(table(n))
        assert found.schema == SCHEMA
        footer, real = read_footer(tmp_path / "x.parquet"), pq.read_metadata(tmp_path / "x.parquet")
        chunks = [real.row_group(group).column(column) for group in range(real.num_row_groups) for column in (0, 1)]
        assert footer.n_rows == n
        assert [chunk.unpacked for chunk in footer.chunks] == [chunk.total_uncompressed_size for chunk in chunks]


@pytest.mark.parametrize(
    ("made", "options", "message"),
    [
        (table(users=np.arange(N)), {}, "columns are not item, users"),
        (table(users=[None, *range(N - 1)]).cast(SCHEMA), {}, "'users' has 1 empty"),
        (table(item=[None, *(str(row) for row in range(N - 1))]), {}, "'item' has 1 empty"),
        (table(item=[f"{row}".encode() for row in range(N)]), {}, "columns are not"),
        (table(more=np.arange(N)), {}, "columns are not"),
        (table().select(["users", "item"]), {}, "columns are not"),
        (table().select(["users"]), {}, "columns are not"),
        (table(), {"compression": "zstd"}, "packed by Zstandard"),
        (table(), {"compression": "gzip"}, "packed by gzip"),
        (table(100_000, item=["x"] * 100_000, users=np.zeros(100_000, np.float32)), {}, "100,000 rows in"),
        (table(item=["x" * 20_000] * N), {}, "unpacks to 10,000,000 bytes"),
    ],
    ids=str,
)
def test_other_tables_are_refused(tmp_path: Path, made: pa.Table, options: dict[str, Any], message: str) -> None:
    pq.write_table(made, tmp_path / "x.parquet", **options)
    with pytest.raises(ValueError, match=message):
        read_parquet(tmp_path / "x.parquet", SCHEMA)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1PAR1", b"PAR1\xff\xff\xff\x7fPAR1", b"x" * 100])
def test_what_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(ValueError, match="no Parquet file"):
        read_parquet(tmp_path / "x.parquet", SCHEMA)


def damaged(seed: int, folder: Path, rounds: int) -> None:
    """Change some bytes of a file, again and again, and read it."""
    draw, files = random.Random(seed), []
    for options in WAYS:
        pq.write_table(table(40), folder / "x.parquet", **options)
        files.append((folder / "x.parquet").read_bytes())
    for _ in range(rounds):
        content = bytearray(draw.choice(files))
        for _ in range(draw.choice([1, 1, 2, 8])):
            # Half of all changes in the footer, where the structure is.
            place = draw.randrange(draw.choice([0, len(content) // 2]), len(content))
            content[place] = draw.choice([0, 127, 128, 255, content[place] ^ (1 << draw.randrange(8))])
        (folder / "x.parquet").write_bytes(content)
        try:
            found = read_parquet(folder / "x.parquet", SCHEMA)
        except (OSError, ValueError):
            continue
        assert found.schema == SCHEMA
        assert found["item"].null_count == found["users"].null_count == 0


def test_damaged_files_end_no_process(tmp_path: Path) -> None:
    """In a process of its own: pyarrow is C++, and has ended processes on such files."""
    code = f"from pathlib import Path\nfrom {__name__} import damaged\ndamaged(1, Path({str(tmp_path)!r}), 1500)"
    done = subprocess.run([sys.executable, "-X", "faulthandler", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
