"""Convert times of events (numbers, ISO 8601, strptime patterns, Excel's days) to seconds since the epoch (UTC)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from kg.checking.values import RowProblem, text_of
from kg.limits import EARLIEST, LATEST
from kg.schema.interactions import EXCEL
from kg.sources import Cell, Reason

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")

UNITS = {"unix": 1, "auto": 1, "unix_ms": 10**3, "unix_us": 10**6, "unix_ns": 10**9}
"""Numeric forms that count from 1970 -> units per second."""

_DIGITS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_CALENDAR_YEARS = range(1900, 2101)
_UTC_WORD = re.compile(r"\s*(?:UTC|GMT|Z)$", re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_EXCEL_EPOCH = datetime(1899, 12, 30)
"""Day 0 of Excel's day numbers, correct from 1 March 1900 (Excel takes 1900 for a leap year)."""

_EXCEL_DAYS = 2_958_465
"""31 December 9999."""

_EXPECTED = {
    "auto": "a unix time or ISO 8601",
    "iso": "ISO 8601",
    "unix": "a unix time in seconds",
    "unix_ms": "a unix time in milliseconds",
    "unix_us": "a unix time in microseconds",
    "unix_ns": "a unix time in nanoseconds",
    EXCEL: "a day number of Excel, such as 43709.5",
}


def time_reader(form: str, timezone: str) -> Callable[[Cell, str, frozenset[str]], float | None]:
    """Make a function (cell, column, missing) -> seconds since the epoch, None for "no value".

    `form` is `unix`, `unix_ms`, `unix_us`, `unix_ns`, `iso`, `excel`, `auto` (numbers are unix seconds, texts ISO
    8601) or a strptime pattern; times without a zone are in `timezone`. A text may end in UTC, GMT or Z. Under `auto`
    digits that read as a date (20190905) are refused, as they are ambiguous with seconds. Typed times (Parquet, data
    frames) are taken as they are. The function raises `RowProblem` for what cannot be read.
    """
    zone: tzinfo = UTC if timezone == "UTC" else ZoneInfo(timezone)

    def read(cell: Cell, column: str, missing: frozenset[str]) -> float | None:
        if isinstance(cell, datetime):
            return _seconds(cell, zone)
        if isinstance(cell, date):
            return _seconds(datetime(cell.year, cell.month, cell.day), zone)
        text = text_of(cell, column, missing)
        if text is None:
            return None
        if form in UNITS and _NUMBER.fullmatch(text):
            return _of_number(text, form, column)
        if form == EXCEL and _NUMBER.fullmatch(text) and 0 < float(text) <= _EXCEL_DAYS + 1:
            return _seconds(_EXCEL_EPOCH + timedelta(days=float(text)), zone)
        moment = _of_text(text, form)
        if moment is None:
            raise RowProblem(Reason.BAD_TIME, f"{column}: {text[:60]!r} is not {_expected(form)}; see `time_format`")
        return _seconds(moment, zone)

    return read


def _of_text(text: str, form: str) -> datetime | None:
    """Parse a time from text, None where the form does not fit; a text that ends in a word for UTC gives an aware
    time."""
    try:
        if form in ("auto", "iso"):
            return datetime.fromisoformat(text)
        if "%" in form:
            return datetime.strptime(text, form)
    except (ValueError, OverflowError):
        shorter = _UTC_WORD.sub("", text)
        moment = _of_text(shorter, form) if shorter != text else None
        return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
    return None


def _of_number(text: str, form: str, column: str) -> float:
    if text.isdigit() and len(text) < 30:
        # A float does not hold nanoseconds exactly.
        whole, rest = divmod(int(text), UNITS[form])
        seconds = whole + rest / UNITS[form]
    else:
        seconds = float(text) / UNITS[form]
    if form == "auto" and (pattern := calendar_pattern(text)) is not None:
        raise RowProblem(
            Reason.BAD_TIME,
            f"{column}: {text} reads as a date and as seconds since 1970; set `time_format: '{pattern}'`, or `unix`",
        )
    if EARLIEST <= seconds <= LATEST:
        return seconds
    unit = next((u for u in ("unix_ms", "unix_us", "unix_ns") if abs(float(text)) / UNITS[u] <= LATEST), None)
    hint = f"; set `time_format: {unit}`" if unit is not None else ""
    raise RowProblem(Reason.BAD_TIME, f"{column}: {text[:60]!r} as {_expected(form)} is beyond the year 9999{hint}")


def calendar_pattern(text: str) -> str | None:
    """The pattern that reads digits as a date of the years 1900 to 2100: `20190905` -> `%Y%m%d`; else None."""
    pattern = _DIGITS.get(len(text))
    if pattern is None or not (text.isascii() and text.isdigit()) or int(text[:4]) not in _CALENDAR_YEARS:
        return None
    try:
        datetime.strptime(text, pattern)
    except ValueError:
        return None
    return pattern


def _expected(form: str) -> str:
    return _EXPECTED.get(form, f"a time like {form}")


def _seconds(moment: datetime, zone: tzinfo) -> float:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    # Not timestamp(): a subtraction is exact to the microsecond and works for every year.
    return (aware - _EPOCH) / timedelta(seconds=1)
