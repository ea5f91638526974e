"""Read sheets of Excel workbooks (.xlsx) row by row; cells keep their type. Needs openpyxl (extra `excel`)."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kg.rows import Position
from kg.sources.columns import check_header, find_column
from kg.sources.opening import opened_raw
from kg.sources.plain_values import record_of
from kg.sources.records import Record, SourceError


class ExcelReader:
    """One sheet of a workbook: the first, or a named one. Its first row that is not empty is the header.

    Positions are row numbers of the sheet.
    """

    def __init__(self, path: Path, name: str, *, sheet: str | None = None, skip: int = 0) -> None:
        self._path = path
        self.name = name
        self._sheet = sheet
        self._skip = skip
        self._fraction: float | None = None
        with self._rows() as rows:
            self._header_row, header = next(((n, row) for n, row in rows if any(c is not None for c in row)), (0, ()))
        names = ["" if cell is None else str(cell).strip() for cell in header]
        while names and not names[-1]:
            names.pop()
        if not names:
            raise SourceError(f"{name}: the sheet is empty")
        self.columns = check_header(tuple(names), name)

    def resolve(self, column: str) -> str:
        return find_column(column, dict.fromkeys(self.columns), self.name)

    def resolve_value(self, value: str) -> str:
        return value

    def fraction(self) -> float | None:
        return self._fraction

    def close(self) -> None:
        self._fraction = None

    def __iter__(self) -> Iterator[Record]:
        with self._rows() as rows:
            for number, row in rows:
                if number > self._header_row and any(cell is not None for cell in row):
                    cells = zip(self.columns, (*row, *([None] * len(self.columns))), strict=False)
                    yield record_of(Position(self.name, number), dict(cells))

    @contextmanager
    def _rows(self) -> Iterator[Iterator[tuple[int, tuple[Any, ...]]]]:
        with opened_raw(self._path, self.name) as raw, opened_workbook(raw, self.name) as book:
            sheet = _sheet_of(book, self._sheet, self.name)
            total = sheet.max_row or 0

            def numbered() -> Iterator[tuple[int, tuple[Any, ...]]]:
                try:
                    for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
                        self._fraction = min(1.0, number / total) if total else None
                        if number > self._skip:
                            yield number, row
                except Exception as error:  # a damaged sheet can make the library raise anything
                    raise SourceError(f"{self.name}: the sheet cannot be read to its end ({error})") from None

            yield numbered()


@contextmanager
def opened_workbook(raw: Any, name: str) -> Iterator[Any]:
    """Open an Excel workbook, values only. Raises `SourceError` for another file, or if openpyxl is missing."""
    try:
        openpyxl = importlib.import_module("openpyxl")
    except ImportError:
        raise SourceError(
            f"{name}: Excel workbooks need openpyxl: `pip install 'whypath[excel]'`, or save the sheet as CSV"
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions that do not matter here
            book = openpyxl.load_workbook(raw, read_only=True, data_only=True, keep_links=False)
    except Exception as error:
        raise SourceError(f"{name}: not a readable Excel workbook ({error})") from None
    try:
        yield book
    finally:
        book.close()


def sheet_names(path: Path, name: str) -> list[str]:
    """The sheets of a workbook that have rows, in order. Raises `SourceError`."""
    with opened_raw(path, name) as raw, opened_workbook(raw, name) as book:
        return [sheet.title for sheet in book.worksheets if next(sheet.iter_rows(values_only=True), None)]


def _sheet_of(book: Any, wanted: str | None, name: str) -> Any:
    if wanted is None:
        return book.worksheets[0]
    chosen = next((sheet for sheet in book.worksheets if sheet.title == wanted), None)
    if chosen is None:
        shown = ", ".join(sheet.title for sheet in book.worksheets)
        raise SourceError(f"{name}: there is no sheet {wanted!r}; there are: {shown}")
    return chosen
