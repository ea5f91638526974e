"""Tell a stray quotation mark from one that opens a quoted cell, by the lines that the cell takes in."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")

LIKENESS_ROWS = 8
"""Number of rows that show what the cells of a table look like."""


class StrayQuotes:
    """Examines the lines of one table, whose rows have `width` cells."""

    def __init__(self, separator: str, width: int) -> None:
        self._separator = separator
        self._width = width
        cut = re.escape(separator)
        # Possessive quantifiers, so that the pattern never backtracks.
        quoted, plain = r'"(?:[^"]++|"")*+"', rf'(?!")[^{cut}\r\n]*+'
        self._word = re.compile(rf'[^\s"{cut}]+')
        unmarked = rf'[^"{cut}\r\n]*+'
        self._row = re.compile(rf"(?:{quoted}|{unmarked})(?:{cut}(?:{quoted}|{unmarked}))*+[\r\n]*+")
        self._cells_before = re.compile(rf'((?:(?:{quoted}|{plain}){cut})*+)"')

    def is_row(self, line: str) -> bool:
        """Whether a line alone is a row: of the right width, with marks only around cells."""
        return self._row.fullmatch(line) is not None and len(self._cells(line)) == self._width

    def lines_of(self, lines: Sequence[str]) -> int:
        """How many of the lines that a broken row took in are lost with it.

        Only the first, where its last mark is stray: without it the line has the right width. Else the lines up to the
        first one that alone is a row, or all if none is.
        """
        opening = self._without_mark(lines[0])
        if opening is not None and len(opening) == self._width:
            return 1
        return next((n for n, line in enumerate(lines) if n and self.is_row(line)), len(lines))

    def are_rows(self, lines: Sequence[str], recent: Sequence[Sequence[str]]) -> bool:
        """Whether lines that together make one good row were meant to be one row each.

        They were if each alone has the right width and fits the rows before it: numbers where these have only numbers,
        single words where they have only words. Prose does not fit; and a column that has held separators or line
        breaks before holds texts.
        """
        opening = self._without_mark(lines[0])
        if opening is None or self._width < 2 or len(recent) < LIKENESS_ROWS:
            return False
        *between, last = lines[1:]
        rows = [opening, *map(self._cells, between), [cell.replace('"', "", 1) for cell in self._cells(last)]]
        if any(len(cells) != self._width for cells in rows) or not all(map(self.is_row, between)):
            return False
        columns = list(zip(*recent, strict=True))
        marked = len(self._before(lines[0]))
        if any(self._separator in cell or "\n" in cell for cell in columns[marked]):
            return False
        kinds = [next((kind for kind in (_NUMBER, self._word) if all(map(kind.fullmatch, c))), None) for c in columns]
        if _NUMBER not in kinds and None in kinds:
            return False
        return all(
            kind is None or kind.fullmatch(cell) for cells in rows for kind, cell in zip(kinds, cells, strict=True)
        )

    def _without_mark(self, line: str) -> list[str] | None:
        """Cells of a line without the mark that opens its last, unclosed cell."""
        match = self._cells_before.match(line)
        if match is None:
            return None
        return [*self._before(line), *line[match.end() :].rstrip("\r\n").split(self._separator)]

    def _before(self, line: str) -> list[str]:
        """Cells before the unclosed one."""
        match = self._cells_before.match(line)
        return self._cells(match.group(1))[:-1] if match is not None and match.group(1) else []

    def _cells(self, line: str) -> list[str]:
        try:
            return next(csv.reader([line], delimiter=self._separator, strict=True), [])
        except csv.Error:
            return []
