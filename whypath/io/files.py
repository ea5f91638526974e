"""Read the files that a command is given: interactions, users, candidates; .tsv, .csv or .parquet, plain or .gz.

Columns are found by name, and everything else in a file is ignored. Ids are strings exactly as in the file ("007" is
"007"), except those that `kg.tsv_cells` had to escape. The meaning of a row (whether it is positive, whether the graph
knows its item) is decided in `whypath.answering.behaviour`, not here.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kg.errors import WhyPathError
from kg.limits import taken_times, taken_weights, time_misfit, weight_misfit
from kg.sources.quoted_rows import QuotedRows
from kg.tsv_cells import ESCAPED, text_of_cell

if TYPE_CHECKING:
    # Imported only to read a file, as it takes half a second, and engines import this module.
    import pandas as pd

PathLike: TypeAlias = str | Path

COLUMN_NAMES = {
    "user": ("user", "user_id"),
    "item": ("item", "item_id"),
    "weight": ("weight", "rating"),
    "time": ("time", "timestamp"),
    "event": ("event_id",),
    "kind": ("kind",),
}
"""The names of a column in a file's header."""

_SEPARATORS = {".tsv": "\t", ".csv": ","}


class FileProblem(WhyPathError):
    """A given file cannot be read, lacks a column or holds an invalid value; the message names file and place."""


@dataclass(frozen=True)
class FileDigest:
    """A file as it was read: its name (without folders), the SHA-256 of its bytes, its rows."""

    name: str
    sha256: str
    rows: int


@dataclass(frozen=True)
class Rows:
    """Rows of one or more files, in file order: `users` and `items` object arrays of str, all columns of one length.

    `weights` float32 and `times` float64 (seconds since the epoch) are NaN if a row or a file has none, None if
    no file has the column. `kinds`: names of interactions, object array of str ("" where there is none), or None.
    """

    users: NDArray[np.object_]
    items: NDArray[np.object_]
    weights: NDArray[np.float32] | None
    times: NDArray[np.float64] | None
    files: tuple[FileDigest, ...]
    kinds: NDArray[np.object_] | None = None

    def __len__(self) -> int:
        return len(self.users)


@dataclass(frozen=True)
class Exclusions:
    """Items that must not be recommended: `pairs` per user, `items` (from files without a user column) to any user."""

    pairs: Rows
    items: tuple[str, ...]


def read_interactions(paths: Sequence[PathLike]) -> Rows:
    """Read the rows of all files, in their order. Raises FileProblem."""
    tables = [_Table.read(Path(path)) for path in paths]
    return _joined([_rows(table) for table in tables])


def read_events(path: PathLike) -> tuple[Rows, list[str] | None]:
    """Read the rows of a file and their events' ids, None if the file has no such column. Raises FileProblem."""
    table = _Table.read(Path(path))
    return _rows(table), None if table.column("event") is None else table.ids("event").tolist()


def read_users(path: PathLike) -> list[str]:
    """Read the distinct users of a file in order of appearance; other columns are not needed. Raises FileProblem."""
    return list(dict.fromkeys(_Table.read(Path(path)).ids("user")))


def read_candidates(path: PathLike) -> list[str]:
    """Read the distinct items of a file in order of appearance; other columns are not needed. Raises FileProblem."""
    return list(dict.fromkeys(_Table.read(Path(path)).ids("item")))


def read_exclusions(paths: Sequence[PathLike]) -> Exclusions:
    """Read exclusions: files of (user, item) rows exclude an item for that user, files with only items for all."""
    pairs: list[Rows] = []
    items: dict[str, None] = {}
    for path in paths:
        table = _Table.read(Path(path))
        if table.column("user") is None:
            items.update(dict.fromkeys(table.ids("item")))
        else:
            pairs.append(_rows(table))
    return Exclusions(_joined(pairs), tuple(items))


def digest_files(paths: Sequence[PathLike]) -> tuple[str, ...]:
    """Compute the SHA-256 of each file's bytes, without parsing it; raises FileProblem if one cannot be read."""
    return tuple(_sha256(Path(path)) for path in paths)


def _rows(table: _Table) -> Rows:
    return Rows(
        users=table.ids("user"),
        items=table.ids("item"),
        weights=table.numbers("weight"),
        times=table.times(),
        files=(FileDigest(table.path.name, _sha256(table.path), len(table.frame)),),
        kinds=table.words("kind"),
    )


def _joined(parts: Sequence[Rows]) -> Rows:
    def column(values: list[NDArray | None], dtype: type, missing: object = np.nan) -> NDArray | None:
        if all(value is None for value in values):
            return None
        filled = [
            np.full(len(part), missing, dtype) if value is None else value
            for part, value in zip(parts, values, strict=True)
        ]
        return np.concatenate(filled)

    empty = np.array([], dtype=object)
    return Rows(
        users=np.concatenate([part.users for part in parts]) if parts else empty,
        items=np.concatenate([part.items for part in parts]) if parts else empty,
        weights=column([part.weights for part in parts], np.float32),
        times=column([part.times for part in parts], np.float64),
        files=tuple(file for part in parts for file in part.files),
        kinds=column([part.kinds for part in parts], np.object_, ""),
    )


@dataclass(frozen=True)
class _Table:
    """One file: all names of its header; the columns of interest as strings (text) or of their own types (Parquet)."""

    path: Path
    names: tuple[str, ...]
    frame: pd.DataFrame

    @classmethod
    def read(cls, path: Path) -> _Table:
        if not path.exists():
            raise FileProblem(f"{path}: there is no such file.")
        if path.is_dir():
            raise FileProblem(f"{path} is a folder; give a .tsv, .csv or .parquet file.")
        suffixes = [suffix.lower() for suffix in path.suffixes]
        kind = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else (suffixes or [""])[-1]
        if kind not in (*_SEPARATORS, ".parquet"):
            raise FileProblem(
                f"{path}: cannot tell its format; the name must end in .tsv, .csv or .parquet (or with .gz)."
            )
        try:
            raw = path.read_bytes()
            content = gzip.decompress(raw) if suffixes[-1] == ".gz" else raw
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise FileProblem(f"{path}: not a whole gzip file ({error}); write or copy it again.") from error
        except OSError as error:
            raise FileProblem(f"{path}: cannot be read: {error.strerror or error}.") from error
        names, frame = _parquet(path, content) if kind == ".parquet" else _text(path, content, _SEPARATORS[kind])
        for name in frame.columns:
            if names.count(name) > 1:
                raise FileProblem(f"{path}: column {name!r} is twice in the header; keep one of them.")
        return cls(path, names, frame)

    def column(self, role: str) -> str | None:
        """The header's name for a role, None if the file has none of its names."""
        found = [name for name in COLUMN_NAMES[role] if name in self.names]
        if len(found) > 1:
            raise FileProblem(
                f"{self.path}: columns {found[0]!r} and {found[1]!r} both name the {role}; keep one of them."
            )
        return found[0] if found else None

    def ids(self, role: str) -> NDArray[np.object_]:
        name = self.column(role)
        if name is None:
            wanted = " or ".join(repr(option) for option in COLUMN_NAMES[role])
            there = ", ".join(repr(column) for column in self.names)
            raise FileProblem(f"{self.path}: no column {wanted}; its columns are {there}.")
        kind = self.frame[name].dtype.kind
        if kind in "fcb":
            raise FileProblem(
                f"{self.path}: column {name!r} holds {self.frame[name].dtype} values; ids are strings or integers."
            )
        values = np.array([None if value is None else str(value) for value in self._values(name)], dtype=object)
        empty = np.array([value is None or not value.strip() for value in values], dtype=bool)
        if empty.any():
            place = self._place(empty)
            raise FileProblem(f"{self.path}: {place}: column {name!r} is empty; every row needs an id there.")
        return values

    def words(self, role: str) -> NDArray[np.object_] | None:
        """Texts of a column, "" if a row has none; None if the file has no such column."""
        name = self.column(role)
        if name is None:
            return None
        return np.array(["" if value is None else str(value) for value in self._values(name)], dtype=object)

    def numbers(self, role: str) -> NDArray[np.float32] | None:
        name = self.column(role)
        if name is None:
            return None
        values = self._values(name)
        numbers = _numbers(values)
        bad = (np.isnan(numbers) & (values != np.array(None))) | np.isinf(numbers)
        if bad.any():
            value = values[bad][0]
            raise FileProblem(
                f"{self.path}: {self._place(bad)}: column {name!r} holds {value!r}, which is not a number."
            )
        self._check_limits(name, numbers, taken_weights(numbers), weight_misfit)
        return numbers.astype(np.float32)

    def times(self) -> NDArray[np.float64] | None:
        """Seconds since the epoch: numbers as they are, dates (ISO 8601, UTC without a zone) converted."""
        name = self.column("time")
        if name is None:
            return None
        values = self._values(name)
        given = values != np.array(None)
        if self.frame[name].dtype.kind != "M":
            numbers = _numbers(values)
            if np.isfinite(numbers[given]).all():
                self._check_limits(name, numbers, taken_times(numbers), time_misfit)
                return numbers
        import pandas as pd

        moments = pd.to_datetime(pd.Series(values), errors="coerce", utc=True, format="ISO8601")
        seconds = np.asarray((moments - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1), dtype=np.float64)
        bad = np.isnan(seconds) & given
        if bad.any():
            raise FileProblem(
                f"{self.path}: {self._place(bad)}: column {name!r} holds {values[bad][0]!r}, which is neither seconds "
                "since 1970 nor a date such as 2024-05-01T12:00:00."
            )
        return seconds

    def _check_limits(self, name: str, numbers: NDArray, taken: NDArray, misfit: Callable[[float], str | None]) -> None:
        """Raise FileProblem for the first number that the limits of events do not take."""
        beyond = np.isnan(taken) & ~np.isnan(numbers)
        if beyond.any():
            reason = misfit(float(numbers[beyond][0]))
            raise FileProblem(f"{self.path}: {self._place(beyond)}: column {name!r}: {reason}.")

    def _values(self, name: str) -> NDArray[np.object_]:
        """A column's cells, None if one is missing or an empty string."""
        import pandas as pd

        values = self.frame[name].to_numpy(dtype=object, copy=True)
        values[np.asarray(pd.isna(values), dtype=bool) | (values == "")] = None
        return values

    def _place(self, bad: NDArray[np.bool_]) -> str:
        row = int(np.flatnonzero(bad)[0])
        return f"row {row + 1}" if ".parquet" in self.path.suffixes else f"line {row + 2}"


def _numbers(values: NDArray[np.object_]) -> NDArray[np.float64]:
    """Cells as numbers, NaN if one is missing or not a number."""
    import pandas as pd

    return np.asarray(pd.to_numeric(pd.Series(values, dtype=object), errors="coerce"), dtype=np.float64)


def _text(path: Path, content: bytes, separator: str) -> tuple[tuple[str, ...], pd.DataFrame]:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise FileProblem(f"{path}: line {line}: not valid UTF-8; save the file as UTF-8.") from error
    content = content.removeprefix(codecs.BOM_UTF8)
    if not content.strip():
        raise FileProblem(f"{path}: the file is empty; it needs a header line with the names of its columns.")
    header = content.split(b"\n", 1)[0].decode("utf-8").strip("\r").split(separator)
    names = tuple(name.strip().strip('"') for name in header)
    wanted = [name for name in dict.fromkeys(names) if any(name in options for options in COLUMN_NAMES.values())]
    if not wanted:
        import pandas as pd

        return names, pd.DataFrame()
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(content),
            # Not threaded, because only then an error names its row.
            pa_csv.ReadOptions(column_names=list(names), skip_rows=1, use_threads=False),
            # A quotation mark in a .tsv is an ordinary character, as in the files that recommenders exchange.
            pa_csv.ParseOptions(
                delimiter=separator,
                quote_char=False if separator == "\t" else '"',
                newlines_in_values=separator == ",",
            ),
            pa_csv.ConvertOptions(
                column_types=dict.fromkeys(wanted, pa.string()), include_columns=wanted, strings_can_be_null=False
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        parted = "tabs" if separator == "\t" else "commas"
        reason = re.sub(r"^CSV parse error: Row #(\d+): ", r"line \1: ", str(error)).split("\n")[0]
        raise FileProblem(f"{path}: {reason} (columns are separated by {parted}).") from error
    if separator == "," and content.count(b"\n") > table.num_rows + 1:
        _check_quotes(path, content, len(names))
    frame = table.to_pandas()
    if separator == "\t" and ESCAPED in content:
        frame = frame.map(text_of_cell)
    return names, frame


def _check_quotes(path: Path, content: bytes, width: int) -> None:
    """Refuse an unmatched quotation mark: the lines after it would be lost silently."""
    rows = QuotedRows(io.TextIOWrapper(io.BytesIO(content), "utf-8", newline="\n"), str(path), ",", width)
    for _ in rows:
        if rows.warnings:
            raise FileProblem(f"{rows.warnings[0].split(';')[0]}; correct its quotation marks.")


def _parquet(path: Path, content: bytes) -> tuple[tuple[str, ...], pd.DataFrame]:
    try:
        table = pq.read_table(pa.BufferReader(content))
    except pa.ArrowException as error:
        raise FileProblem(f"{path}: not a Parquet file that can be read: {error}.") from error
    wanted = [name for name in table.column_names if any(name in options for options in COLUMN_NAMES.values())]
    return tuple(table.column_names), table.select(list(dict.fromkeys(wanted))).to_pandas()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FileProblem(f"{path}: cannot be read: {error.strerror or error}.") from error


def paths_of(paths: Sequence[str | Path] | str | Path | None) -> list[Path]:
    """Return files given as none, one or several as a list."""
    if paths is None:
        return []
    return [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
