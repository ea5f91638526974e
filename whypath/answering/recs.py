"""Write ranked lists to a file: `user item rank score`, tab-separated, comma-separated or Parquet, by the file's name.

In tab-separated files, ids are written by `kg.tsv_cells`; in comma-separated ones they are in quotation marks if
necessary, also for a line break.

The same lists give the same bytes. The file appears whole or not at all.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from kg.durable import file_written_whole
from kg.errors import WhyPathError
from kg.tsv_cells import tsv_cell
from kg.visible import without_halves
from whypath.answering.results import Recommendations

_COLUMNS = ("user", "item", "rank", "score")
_PARQUET = pa.schema(
    [("user", pa.string()), ("item", pa.string()), ("rank", pa.int32()), ("score", pa.float32())],
)
_ROWS_A_GROUP = 100_000


class RecsProblem(WhyPathError):
    """The lists cannot be written under that name."""


@dataclass(frozen=True)
class Written:
    """Counts of a written file: users with a list that is not empty, and rows."""

    users: int
    rows: int


def check_name(path: str | Path) -> Path:
    """Return the path, or raise RecsProblem if no list can be written there, so that it is found before the work."""
    path = Path(path)
    if _format(path) is None:
        raise RecsProblem(f"{path}: name it .tsv, .csv (or either with .gz) or .parquet.")
    if path.is_dir():
        raise RecsProblem(f"{path} is a folder; name a file in it.")
    if not path.parent.is_dir():
        raise RecsProblem(f"{path}: there is no folder {path.parent}; create it first.")
    return path


def write_lists(path: str | Path, lists: Iterable[Recommendations]) -> Written:
    """Write the lists, in bounded memory. Raises RecsProblem; after any error, no half-written file is left."""
    path = check_name(path)
    users = 0

    def rows() -> Iterator[tuple[str, str, int, float]]:
        nonlocal users
        for found in lists:
            users += bool(len(found))
            user = without_halves(found.user or "")
            for item in found:
                yield user, item.item, item.rank, item.score

    with file_written_whole(path) as file:
        kind = _format(path)
        if kind == ".parquet":
            n_rows = _write_parquet(file, rows())
        elif path.suffix.lower() == ".gz":
            # No name and no time in the gzip header, or the same lists would give other bytes.
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as zipped:
                n_rows = _write_text(zipped, rows(), tabs=kind == ".tsv")
        else:
            n_rows = _write_text(file, rows(), tabs=kind == ".tsv")
    return Written(users, n_rows)


def _format(path: Path) -> str | None:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] == [".gz"]:
        return suffixes[-2] if len(suffixes) > 1 and suffixes[-2] in (".tsv", ".csv") else None
    return suffixes[-1] if suffixes and suffixes[-1] in (".tsv", ".csv", ".parquet") else None


def _write_text(file: IO[bytes] | gzip.GzipFile, rows: Iterable[tuple[str, str, int, float]], *, tabs: bool) -> int:
    count = 0
    buffer = io.StringIO(newline="")
    separator, cell = ("\t", tsv_cell) if tabs else (",", _csv_cell)
    buffer.write(separator.join(_COLUMNS) + "\n")
    for user, item, rank, score in rows:
        buffer.write(separator.join((cell(user), cell(item), str(rank), f"{score:.7g}")) + "\n")
        count += 1
        if count % _ROWS_A_GROUP == 0:
            _empty(buffer, file)
    _empty(buffer, file)
    return count


def _csv_cell(text: str) -> str:
    # The csv module leaves a lone carriage return outside of quotation marks, where readers end the row.
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


def _empty(buffer: io.StringIO, file: IO[bytes] | gzip.GzipFile) -> None:
    file.write(buffer.getvalue().encode())
    buffer.seek(0)
    buffer.truncate()


def _write_parquet(file: IO[bytes], rows: Iterator[tuple[str, str, int, float]]) -> int:
    count = 0
    with pq.ParquetWriter(file, _PARQUET) as writer:
        while group := list(islice(rows, _ROWS_A_GROUP)):
            columns = [
                pa.array(column, field.type) for column, field in zip(zip(*group, strict=True), _PARQUET, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=_PARQUET))
            count += len(group)
    return count
