"""Classify a column's values: times, lists, weights, fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from kg.sources.guess.profile import ColumnProfile
from kg.sources.guess.words import LABEL_WORDS, named_like, plain, stem_of

_DAYS = (
    "%Y/%m/%d", "%Y.%m.%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d-%b-%Y", "%d %b %Y",
    "%d %B %Y", "%m %d, %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%Y年%m月%d日", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y",
)  # fmt: skip
_HOURS = ("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", " %H:%M:%S.%f", ", %H:%M:%S", ", %H:%M", " %Hh%M")
_PATTERNS = (
    *(f"{day}{hour}" for hour in _HOURS for day in _DAYS),
    "%Y-%m-%d %I:%M:%S %p", "%Y-%m-%d %I:%M %p", "%a %b %d %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S",
    "%a, %d %b %Y %H:%M:%S %z", "%a %b %d %H:%M:%S %z %Y", "%d/%b/%Y:%H:%M:%S %z", "%Y%m%dT%H%M%S",
)  # fmt: skip
_NUMBERS = (("auto", 1.0), ("unix_ms", 1e3), ("unix_us", 1e6), ("unix_ns", 1e9))
_NO_TIME = re.compile(r"0000-00-00.*|n/?a|none|null|nan|nat|unknown|never|-+|\\n", re.IGNORECASE)
"""Spellings of "no value" in columns of times."""

_UTC_WORD = re.compile(r"\s*(?:UTC|GMT|Z)$", re.IGNORECASE)
_DIGITS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_TRIED = 500
_URL = re.compile(r"(https?|ftp|s3|data)://|www\.|data:|\S+\.(jpe?g|png|gif|webp|svg|mp4|mp3)$", re.IGNORECASE)


_LIKE_TIME = re.compile(r"^(?:[0-9]{1,4}[-/. 年][^-/. 年]{1,9}[-/. 月]\s?[0-9]|[^\W\d_]{3,9},? |[0-9]{8}T[0-9])")
"""Start of a text that a pattern may fit: two separators between three parts, or the name of a day or month."""

_LONGEST_TIME = 40

_TIME_NAME = re.compile(r"(^|_)(at|since|on|ts|dt|utc)$|[a-z](At|Since|On|Ts)$|time|date|hour", re.IGNORECASE)
_HOUR_NAME = re.compile(r"hour|stunde|hora|heure|час|小时", re.IGNORECASE)
_DAY_NAME = re.compile(r"date|time|day|日期|时间|datum|fecha|дата|日付", re.IGNORECASE)


def time_format(column: ColumnProfile) -> str | None:
    """`auto`, a unit since 1970 or a strptime pattern; None if the column holds no times."""
    return next(iter(_known_formats(column)), None)


def _counts_seconds(column: ColumnProfile) -> bool:
    """Whether the numbers of a column without a telling name are seconds (ms, ns) of this century rather than running
    numbers or ids.
    """
    form = time_format(column)
    unit = dict(_NUMBERS).get(form or "")
    if unit is None or not column.is_integer or stem_of(column.name) != plain(column.name) or len(column.values) < 3:
        return False
    spread = column.high - column.low
    return 946_684_800 * unit <= column.low and column.high < 2_100_000_000 * unit and spread >= 4 * column.filled


def is_year(column: ColumnProfile) -> bool:
    """Whether a column holds years, by its name and its values."""
    named = plain(column.name) in ("year", "yr", "jahr", "año", "annee", "année", "год", "年", "年份", "연도")
    return named and column.is_integer and column.low >= 1900 and column.high < 2101


def other_pattern(column: ColumnProfile, form: str) -> str | None:
    """Another pattern that all its values fit, such as month and day swapped."""
    return next((other for other in _known_formats(column) if other not in ("auto", form)), None)


def _known_formats(column: ColumnProfile) -> tuple[str, ...]:
    # Called often, and trying all patterns takes milliseconds.
    if column.time_formats is None:
        column.time_formats = tuple(_time_formats(column))
    return column.time_formats


def _time_formats(column: ColumnProfile) -> Iterator[str]:
    if column.times:
        yield "auto"
        return
    values = list(islice(column.values, _TRIED))
    if column.is_number:
        yield from _number_formats(column, values)
        return
    if sum(len(v) < 6 for v in values) > 0.05 * len(values):
        return
    bare = [_UTC_WORD.sub("", value) for value in values if not _NO_TIME.fullmatch(value)]
    if not bare:
        return
    if all(_is_iso(v) for v in bare):
        yield "auto"
        return
    if not all(_LIKE_TIME.search(value) and len(value) <= _LONGEST_TIME for value in bare):
        return
    # One value rules out most patterns; the others are tried on the rest.
    fitting = [p for p in _PATTERNS if _matches(bare[0], p)]
    yield from (p for p in fitting if all(_matches(v, p) for v in bare))


def _number_formats(column: ColumnProfile, values: list[str]) -> Iterator[str]:
    # Seconds to nanoseconds of the years 1980 to 2100; smaller numbers are years or counts.
    low = _low_beside_none(column)
    for form, unit in _NUMBERS:
        if 315_532_800 * unit <= low and column.high <= 4_102_444_800 * unit:
            yield form
    pattern = _DIGITS.get(len(values[0])) if values else None
    if _DAY_NAME.search(column.name) and values and column.low > 20_000 and column.high < 80_000:
        yield "excel"  # days since 1900: the years 1954 to 2119
    if pattern is None or column.odd or any(len(v) != len(values[0]) for v in values):
        return
    if _HOUR_NAME.search(column.name) and len(values[0]) == 8 and all(_matches(v, "%y%m%d%H") for v in values):
        yield "%y%m%d%H"
        return
    if 1900 <= column.low / 10 ** (len(values[0]) - 4) < 2101 and all(_matches(v, pattern) for v in values):
        yield pattern


def _low_beside_none(column: ColumnProfile) -> float:
    """The lowest number, without a few 0, 1 or -1, which mean "unknown" among times."""
    if column.low > 1 or column.is_percent:
        return column.low
    none = sum(column.values[text] for text in ("0", "1", "-1", "0.0"))
    if none > 0.05 * column.filled:
        return column.low
    numbers = (float(value) for value in column.values if value not in column.odd and not value.endswith("%"))
    return min((number for number in numbers if number not in (0, 1, -1)), default=column.low)


def _is_iso(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return not text.isdigit()


def _matches(text: str, pattern: str) -> bool:
    try:
        datetime.strptime(text, pattern)
    except ValueError:
        return False
    return True


def is_url(column: ColumnProfile) -> bool:
    """Whether a column holds addresses, or names of pictures."""
    return is_address(list(islice(column.values, _TRIED)))


def is_address(texts: Sequence[str]) -> bool:
    """Whether texts are addresses, or names of pictures."""
    return bool(texts) and sum(_URL.match(text) is not None for text in texts) >= 0.8 * len(texts)


_CATEGORY_NAME = re.compile(
    r"genre|categor|brand|author|director|artist|studio|publisher|maker|manufacturer|country|language|type|topic|"
    r"subject|level|colou?r|style|kategorie|marke|marca|marque|分类|类别|品牌|导演|жанр|категор|бренд|ジャンル|ブランド",
    re.IGNORECASE,
)
_SMALL_TABLE = 60


def is_category_name(name: str) -> bool:
    """Whether a column of this name holds categories: genre, brand, language."""
    return _CATEGORY_NAME.search(name) is not None


def is_category(column: ColumnProfile) -> bool:
    """Whether a text column names categories: short, and each value several times."""
    # With such a name it may have a value for nearly each row of a small table.
    named = is_category_name(column.name) and len(column.values) < column.filled <= _SMALL_TABLE
    few = named or len(column.values) <= max(2, min(1000, column.filled / 3))
    return (
        len(column.values) > 1 and not column.is_number and few and column.mean_length <= 40 and not time_format(column)
    )


def label_column(columns: Sequence[ColumnProfile], table: str) -> ColumnProfile | None:
    """The column with the readable name: by the column's name, else the first text whose values mostly differ."""
    texts = [c for c in columns if not c.is_number and c.filled and not c.lists and not time_format(c)]
    for named in (
        [c for c in texts if plain(c.name) in LABEL_WORDS],
        [c for c in texts if plain(c.name) == f"{plain(table)}name"],
        [c for c in texts if named_like(c.name, LABEL_WORDS)],
        [c for c in texts if len(c.values) > 0.5 * c.filled and c.mean_length <= 100],
    ):
        if named:
            return named[0]
    return None


def named_column(columns: Sequence[ColumnProfile], words: Sequence[str]) -> ColumnProfile | None:
    """The column named like one of the words, the surer word first."""
    for word in words:
        for column in columns:
            name = plain(column.name)
            if column.filled and (name == word or (len(word) > 3 and name.endswith(word))):
                return column
    return None


def time_column(columns: Sequence[ColumnProfile], words: Sequence[str]) -> ColumnProfile | None:
    """The column of times: named like one of the words, else by another name or by its values."""
    times = [c for c in columns if c.filled and time_format(c) is not None]
    # A value that is the same in all rows, such as the time of an export, is no evidence where there is another.
    times = [c for c in times if len(c.values) > 1] or times
    return named_column(times, words) or next(
        (c for c in times if _TIME_NAME.search(c.name) or not c.is_number),
        next((c for c in times if _counts_seconds(c)), None),
    )


def field_of(column: ColumnProfile, *, sensitive: bool) -> dict[str, Any] | None:
    """A typed field for a column, None for long texts and for texts that all differ."""
    described: dict[str, Any] = {}
    if len(column.values) < 2 and column.missing == 0 and not sensitive:
        return None  # constant
    if column.is_boolean:
        described["type"] = "boolean"
    elif column.is_number:
        if column.is_integer and max(abs(column.low), abs(column.high)) >= 2**63:
            return None  # ids: no field holds them exactly
        described["type"] = "integer" if column.is_integer else "number"
        if column.odd:
            described["missing"] = sorted(column.odd)
    elif (form := time_format(column)) is not None:
        described["type"] = "date"
        if form != "auto":
            described["format"] = form
    elif is_category(column):
        described["type"] = "categorical"
    elif sensitive and column.filled and not column.lists:
        described["type"] = "text"
    else:
        return None
    if sensitive:
        described["sensitive"] = True
    return described
