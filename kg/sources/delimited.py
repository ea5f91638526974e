"""CSV, TSV and their kin, plain or gzip: cells quoted by the csv module's rules, or cut at every separator.

RecBole's atomic files are such tables with `name:type` in the header.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from kg.rows import Position
from kg.sources.columns import check_header, find_column
from kg.sources.opening import OpenFile, opened
from kg.sources.records import BadRecord, RawRecord, Reason, Record, SourceError, is_bad_text, shown

ATOMIC_TYPES = ("token", "token_seq", "float", "float_seq")
"""Types that a RecBole header may name behind the colon."""


class DelimitedReader:
    """A table in a text file.

    `columns` names the columns of a file without a header line; with `atomic` the header's types are split off. Blank
    lines are skipped. A row with too many or too few cells, undecodable bytes or broken quotes is a `BadRecord`.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        *,
        separator: str = ",",
        quoted: bool = True,
        columns: tuple[str, ...] | None = None,
        encoding: str = "utf-8",
        atomic: bool = False,
    ) -> None:
        self._path = path
        self._name = name
        self._separator = separator
        self._quoted = quoted
        self._encoding = encoding
        self._has_header = columns is None
        self._open: OpenFile | None = None
        self.types: dict[str, str] = {}
        try:
            "".encode(encoding)
        except LookupError:
            raise SourceError(
                f"{name}: there is no text encoding {encoding!r}; use one such as utf-8 or latin-1"
            ) from None
        header = columns if columns is not None else self._read_header()
        if atomic and columns is None:
            header = tuple(self._split_type(cell) for cell in header)
        self._columns = check_header(header, name)

    @property
    def name(self) -> str:
        return self._name

    @property
    def columns(self) -> tuple[str, ...]:
        return self._columns

    def resolve(self, column: str) -> str:
        return find_column(column, self._columns, self._name)

    def resolve_value(self, value: str) -> str:
        return value

    def fraction(self) -> float | None:
        return self._open.fraction() if self._open is not None else None

    def close(self) -> None:
        self._open = None

    def __iter__(self) -> Iterator[Record]:
        with opened(self._path, self._name) as file:
            self._open = file
            text = file.text(self._encoding)
            rows = self._quoted_rows(text) if self._quoted else self._plain_rows(text)
            if self._has_header:
                next(rows, None)
            width = len(self._columns)
            for line, cells, raw in rows:
                if isinstance(cells, BadRecord):
                    yield cells
                elif len(cells) == width:
                    yield RawRecord(Position(self._name, line), dict(zip(self._columns, cells, strict=True)))
                else:
                    detail = f"{len(cells)} cells where the header has {width}"
                    yield BadRecord(Position(self._name, line), Reason.COLUMN_COUNT, detail, shown(raw()))

    def _quoted_rows(self, text: TextIO) -> Iterator[tuple[int, list[str] | BadRecord, _Raw]]:
        seen: list[str] = []

        def lines() -> Iterator[str]:
            for line in text:
                seen.append(line)
                yield line

        raw = _Raw(seen)
        rows = csv.reader(lines(), delimiter=self._separator, strict=True)
        start = 1
        while True:
            try:
                cells = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                detail = f"{error}: a cell with quotes inside doubles them; without quoting say `quoted: false`"
                if "new-line character" in str(error):
                    detail = "a line break within a cell that has no quotes around it"
                yield start, BadRecord(Position(self._name, start), Reason.BAD_QUOTES, detail, shown(raw())), raw
            else:
                if any(is_bad_text(line) for line in seen):
                    yield start, self._bad_text(start, raw()), raw
                elif cells:
                    yield start, cells, raw
            seen.clear()
            start = rows.line_num + 1

    def _plain_rows(self, text: TextIO) -> Iterator[tuple[int, list[str] | BadRecord, _Raw]]:
        separator = self._separator
        current = [""]
        raw = _Raw(current)
        for number, line in enumerate(text, 1):
            line = line.removesuffix("\n").removesuffix("\r")
            if not line:
                continue
            current[0] = line
            if is_bad_text(line):
                yield number, self._bad_text(number, line), raw
            else:
                yield number, line.split(separator), raw

    def _bad_text(self, line: int, raw: str) -> BadRecord:
        detail = "bytes that are not UTF-8; a file in another encoding needs `encoding:`, such as latin-1"
        return BadRecord(Position(self._name, line), Reason.BAD_UTF8, detail, shown(raw))

    def _read_header(self) -> tuple[str, ...]:
        with opened(self._path, self._name) as file:
            text = file.text(self._encoding)
            rows = self._quoted_rows(text) if self._quoted else self._plain_rows(text)
            first = next(rows, None)
        if first is None:
            raise SourceError(f"{self._name}: the file is empty; a table begins with a header line of column names")
        cells = first[1]
        if isinstance(cells, BadRecord):
            raise SourceError(f"{self._name}: the header line cannot be read: {cells.detail}")
        return tuple(cells)

    def _split_type(self, cell: str) -> str:
        name, colon, kind = cell.strip().rpartition(":")
        if not colon or kind not in ATOMIC_TYPES:
            raise SourceError(
                f"{self._name}: an atomic file's header has `name:type` with a type of {', '.join(ATOMIC_TYPES)}, "
                f"found {cell!r}; for a plain table say `format: tsv`"
            )
        self.types[name] = kind
        return name


class _Raw:
    """The text of the row at hand, put together only where a report needs it."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def __call__(self) -> str:
        return "".join(self._lines).rstrip("\r\n")
