"""Read rows with quoted cells by the csv module's rules; a stray quotation mark costs one row.

A quoted cell may hold line breaks, so a stray mark that opens one takes in the following lines until another mark ends
it. The result is an error, a row of the wrong width, or nothing at all up to the end of the file. So a row continues
for at most `MOST_LINES` or `MOST_CHARACTERS`; where it is wrong after that, `StrayQuotes` tells which of its lines are
lost, and the others are read again.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import TextIO

from kg.rows import Position
from kg.sources.lines import TOO_LONG, bounded_lines, is_too_long
from kg.sources.records import BadRecord, Reason, is_bad_text, shown
from kg.sources.stray_quotes import LIKENESS_ROWS, StrayQuotes

MOST_LINES = 100
"""Maximum number of lines of a row after its first."""

MOST_CHARACTERS = 1 << 16
"""Maximum number of characters in these lines."""

_FIRST_TOLD = 5
"""Number of rows with broken quotes that are reported one by one."""

NOT_UTF8 = "bytes that are not UTF-8; a file in another encoding needs `encoding:`, such as latin-1"


class Raw:
    """The text of the current row, joined only where a report needs it."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def __call__(self) -> str:
        return "".join(self._lines).rstrip("\r\n")


class _Unended(Exception):
    """The current row is longer than a row may be, or the text ends within it."""


class _Long(Exception):
    """The current line is too long."""


class QuotedRows:
    """Rows of a text, each with its line, its cells (or what is wrong with it) and its text. Iterates once.

    `width` is the number of cells that a row should have, None for a header line; `first_line` is the number of the
    text's first line in its file.
    """

    def __init__(self, text: TextIO, name: str, separator: str, width: int | None, first_line: int = 1) -> None:
        self._lines = bounded_lines(text)
        self._name = name
        self._separator = separator
        self._width = width
        self._first_line = first_line
        self._stray = StrayQuotes(separator, width or 0)
        self._seen: list[str] = []
        self._again: deque[str] = deque()
        self._recent: deque[list[str]] = deque(maxlen=LIKENESS_ROWS)
        self._told: list[str] = []
        self._broken = 0
        self.swallowed_lines = 0
        """Number of lines that were lost with rows that began before them."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about broken quotes."""
        more = self._broken - len(self._told)
        return (*self._told, *([f"{self._name}: the same holds for {more:,} more rows"] if more else []))

    def __iter__(self) -> Iterator[tuple[int, list[str] | BadRecord, Raw]]:
        seen, raw = self._seen, Raw(self._seen)
        rows, start = self._parser(), self._first_line
        closing = 0
        while True:
            cells: list[str] = []
            error: Exception | None = None
            try:
                cells = next(rows)
            except StopIteration:
                return
            except (csv.Error, _Unended, _Long) as found:
                error = found
            if error is None and (len(seen) == 1 or self._is_one_row(cells)):
                if any(map(is_bad_text, seen)):
                    yield start, self._bad(start, Reason.BAD_UTF8, NOT_UTF8), raw
                elif start == closing and len(seen) == 1 and not self._stray.is_row(seen[0]):
                    detail = "a quotation mark within a cell, which ends what a mark before it had opened"
                    yield start, self._bad(start, Reason.BAD_QUOTES, detail), raw
                elif cells:
                    if len(cells) == self._width:
                        self._recent.append(cells)
                    yield start, cells, raw
            elif len(seen) == 1 and not isinstance(error, _Unended):
                yield start, self._bad_line(start, error), raw
                rows = self._parser()
            else:
                total = len(seen)
                lost = self._stray.lines_of(seen) if self._width is not None else total
                self._again.extendleft(reversed(seen[lost:]))
                del seen[lost:]
                closing = start + total - 1 if lost < total and not isinstance(error, _Unended) else 0
                yield start, self._broken_row(start, start + total - 1, len(cells), error), raw
                rows = self._parser()
            start += len(seen)
            seen.clear()

    def _parser(self) -> Iterator[list[str]]:
        return csv.reader(self._fed(), delimiter=self._separator, strict=True)

    def _fed(self) -> Iterator[str]:
        """Yield lines for the parser, first those to be read again; `_seen` collects those of the current row."""
        seen, again = self._seen, self._again
        characters = 0
        for line in chain(_taken(again), self._lines):
            characters = characters + len(line) if seen else 0
            if characters > MOST_CHARACTERS or len(seen) > MOST_LINES:
                again.appendleft(line)
                raise _Unended
            seen.append(line)
            if is_too_long(line):
                raise _Long
            yield line
        if seen:
            raise _Unended

    def _is_one_row(self, cells: list[str]) -> bool:
        """Whether lines that the parser takes for one row really are one."""
        if self._width is None:
            return True
        return len(cells) == self._width and not self._stray.are_rows(self._seen, self._recent)

    def _bad(self, line: int, reason: Reason, detail: str) -> BadRecord:
        return BadRecord(Position(self._name, line), reason, detail, shown("".join(self._seen).rstrip("\r\n")))

    def _bad_line(self, line: int, error: Exception | None) -> BadRecord:
        if isinstance(error, _Long):
            return self._bad(line, Reason.TOO_LONG, TOO_LONG)
        if "field limit" in str(error):
            return self._bad(line, Reason.TOO_LONG, f"a cell of more than {csv.field_size_limit():,} characters")
        if "new-line character" in str(error):
            detail = "a line break within a cell that has no quotes around it; do its lines end in \\r alone?"
            return self._bad(line, Reason.BAD_QUOTES, detail)
        detail = f"{error}: quotes inside a quoted cell must be doubled; for a file without quoting set `quoted: false`"
        return self._bad(line, Reason.BAD_QUOTES, detail)

    def _broken_row(self, start: int, last: int, width: int, error: Exception | None) -> BadRecord:
        """Make a bad row of the lines in `_seen`; `last` is the last line that its cell reached."""
        lost = len(self._seen)
        reason, until = Reason.BAD_QUOTES, start + lost - 1
        went_on = f" and reading continued in line {until + 1}" if until < last else ""
        left_out = "the row was left out" if lost == 1 else f"lines {start} to {until} were left out as one row"
        if lost == 1 or until < last or isinstance(error, _Unended):
            detail = f"opens a quoted cell that does not end; {left_out}{went_on}"
        elif error is not None:
            detail = f"opens a quoted cell that is wrong in line {last} ({error}); {left_out}"
        else:
            reason = Reason.COLUMN_COUNT
            detail = f"opens a quoted cell after which the row has {width} cells, not {self._width}; {left_out}"
        self._broken += 1
        self.swallowed_lines += lost - 1
        if len(self._told) < _FIRST_TOLD:
            self._told.append(f"{self._name}: line {start} {detail}")
        return self._bad(start, reason, detail)


def _taken(lines: deque[str]) -> Iterator[str]:
    while lines:
        yield lines.popleft()
