"""Times of events: seconds since the epoch (UTC) out of numbers, ISO 8601 or strptime patterns."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from kg.ingest.values import RowProblem, text_of
from kg.limits import EARLIEST, LATEST
from kg.sources import Cell, Reason

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_UNITS = {"unix": 1.0, "auto": 1.0, "unix_ms": 1e3, "unix_us": 1e6}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time_reader(form: str, timezone: str) -> Callable[[Cell, str, frozenset[str]], float | None]:
    """A function (cell, column, missing) -> seconds since the epoch, None for "no value".

    `form` is `unix`, `unix_ms`, `unix_us`, `iso`, `auto` (numbers are unix seconds, texts ISO 8601) or a strptime
    pattern; times that name no zone are in `timezone`. Typed times (Parquet, data frames) are taken as they are. What
    cannot be read raises `RowProblem`.
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
        if form in _UNITS and _NUMBER.fullmatch(text):
            return _in_range(float(text) / _UNITS[form], text, column)
        try:
            if form in ("auto", "iso"):
                return _seconds(datetime.fromisoformat(text), zone)
            if "%" in form:
                return _seconds(datetime.strptime(text, form), zone)
        except (ValueError, OverflowError):
            pass  # told below
        expected = {
            "auto": "a unix time or ISO 8601",
            "iso": "ISO 8601",
            "unix": "a unix time in seconds",
            "unix_ms": "a unix time in milliseconds",
            "unix_us": "a unix time in microseconds",
        }.get(form, f"a time like {form}")
        raise RowProblem(Reason.BAD_TIME, f"{column}: {text[:60]!r} is not {expected}; see `time_format`")

    return read


def _seconds(moment: datetime, zone: tzinfo) -> float:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    # Not timestamp(): a subtraction is exact to the microsecond and works for every year.
    return (aware - _EPOCH) / timedelta(seconds=1)


def _in_range(seconds: float, text: str, column: str) -> float:
    if EARLIEST <= seconds <= LATEST:
        return seconds
    raise RowProblem(Reason.BAD_TIME, f"{column}: {text[:60]!r} is beyond the year 9999; milliseconds? say `unix_ms`")
