"""Read CSV, TSV and similar tables, plain or gzip: cells quoted by the csv module's rules, or split at every separator.

RecBole's atomic files are such tables with `name:type` in the header. Cells between tabs that WhyPath escaped, in the
lists and triples that it writes, are decoded (`kg.tsv_cells`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from kg.rows import Position
from kg.sources.columns import check_header, find_column
from kg.sources.lines import TOO_LONG, bounded_lines, is_too_long
from kg.sources.opening import OpenFile, opened
from kg.sources.quoted_rows import NOT_UTF8, QuotedRows, Raw
from kg.sources.records import BadRecord, RawRecord, Reason, Record, SourceError, is_bad_text, shown
from kg.tsv_cells import MARK, text_of_cell

ATOMIC_TYPES = ("token", "token_seq", "float", "float_seq")
"""Types that a RecBole header may name after the colon."""


def first_cells(
    path: Path, name: str, *, separator: str, quoted: bool, encoding: str, skip: int = 0
) -> tuple[str, ...]:
    """The cells of a table's first row. Raises `SourceError` where there is none that can be read."""
    nameless = DelimitedReader(
        path, name, separator=separator, quoted=quoted, columns=("row",), encoding=encoding, skip=skip
    )
    return nameless.header()


class DelimitedReader:
    """A table in a text file.

    `columns` names the columns of a file without a header line; with `atomic` the header's types are split off. Blank
    lines and the first `skip` lines are skipped. A row with too many or too few cells, undecodable bytes or broken
    quotes is a `BadRecord`; `warnings` reports broken quotes after a full pass. Where the first row has one empty cell
    more than the header, all rows may.
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
        skip: int = 0,
        rest: bool = False,
    ) -> None:
        self._path = path
        self._cuts = len(columns or ()) - 1 if rest else -1
        self.name = name
        self._separator = separator
        self._quoted = quoted
        self._encoding = encoding
        self._skip = skip
        self._has_header = columns is None
        self._open: OpenFile | None = None
        self._quotes: QuotedRows | None = None
        self._ends_empty = False
        self.types: dict[str, str] = {}
        header = columns if columns is not None else self.header()
        with opened(path, name) as file:  # without this, a table without a header line is not opened yet
            file.text(encoding)
        if atomic and columns is None:
            header = tuple(self._split_type(cell) for cell in header)
        self.columns = check_header(header, name)
        self._known = dict.fromkeys(self.columns)

    @property
    def warnings(self) -> tuple[str, ...]:
        return self._quotes.warnings if self._quotes is not None else ()

    @property
    def swallowed_lines(self) -> int:
        return self._quotes.swallowed_lines if self._quotes is not None else 0

    def resolve(self, column: str) -> str:
        return find_column(column, self._known, self.name)

    def resolve_value(self, value: str) -> str:
        return value

    def fraction(self) -> float | None:
        return self._open.fraction() if self._open is not None else None

    def close(self) -> None:
        self._open = None

    def __iter__(self) -> Iterator[Record]:
        with opened(self._path, self.name) as file:
            self._open = file
            text = self._text(file)
            width = len(self.columns)
            rows = self._rows(text, width + self._ends_empty)
            if self._has_header:
                next(rows, None)
            for line, cells, raw in rows:
                if isinstance(cells, BadRecord):
                    yield cells
                    continue
                if self._ends_empty and len(cells) == width + 1 and not cells[-1].strip():
                    cells.pop()
                if len(cells) == width:
                    if self._quotes is not None and self._separator == "\t":
                        cells = _texts(cells)
                    yield RawRecord(Position(self.name, line), dict(zip(self.columns, cells, strict=True)))
                else:
                    detail = f"{len(cells)} cells where the header has {width}"
                    yield BadRecord(Position(self.name, line), Reason.COLUMN_COUNT, detail, shown(raw()))

    def _text(self, file: OpenFile) -> TextIO:
        """The text after the skipped lines."""
        text = file.text(self._encoding)
        for _ in zip(range(self._skip), bounded_lines(text), strict=False):
            pass
        return text

    def _rows(self, text: TextIO, width: int | None) -> Iterator[tuple[int, list[str] | BadRecord, Raw]]:
        if not self._quoted:
            return self._plain_rows(text)
        self._quotes = QuotedRows(text, self.name, self._separator, width, self._skip + 1)
        return iter(self._quotes)

    def _plain_rows(self, text: TextIO) -> Iterator[tuple[int, list[str] | BadRecord, Raw]]:
        separator = self._separator
        current = [""]
        raw = Raw(current)
        for number, line in enumerate(bounded_lines(text), self._skip + 1):
            line = line.removesuffix("\n").removesuffix("\r")
            if not line:
                continue
            current[0] = line
            if is_too_long(line):
                yield number, BadRecord(Position(self.name, number), Reason.TOO_LONG, TOO_LONG, shown(line)), raw
            elif is_bad_text(line):
                yield number, BadRecord(Position(self.name, number), Reason.BAD_UTF8, NOT_UTF8, shown(line)), raw
            else:
                cells = line.split(separator, self._cuts)
                yield number, _texts(cells) if separator == "\t" and MARK in line else cells, raw

    def header(self) -> tuple[str, ...]:
        """The cells of the first row. Raises `SourceError` where there is none that can be read."""
        with opened(self._path, self.name) as file:
            rows = self._rows(self._text(file), None)
            first, second = next(rows, None), next(rows, None)
        if first is None:
            raise SourceError(f"{self.name}: the file is empty; a table begins with a header line of column names")
        cells = first[1]
        if isinstance(cells, BadRecord):
            raise SourceError(f"{self.name}: the header line cannot be read: {cells.detail}")
        if second is not None and not isinstance(second[1], BadRecord):
            # Rows end in a separator, the header does not.
            self._ends_empty = len(second[1]) == len(cells) + 1 and not second[1][-1].strip()
        return tuple(cells)

    def _split_type(self, cell: str) -> str:
        name, colon, kind = cell.strip().rpartition(":")
        if not colon or kind not in ATOMIC_TYPES:
            raise SourceError(
                f"{self.name}: an atomic file's header has `name:type` with a type of {', '.join(ATOMIC_TYPES)}, "
                f"found {cell!r}; for a plain table say `format: tsv`"
            )
        self.types[name] = kind
        return name


def _texts(cells: list[str]) -> list[str]:
    return [text_of_cell(cell) if cell.startswith(MARK) else cell for cell in cells]
