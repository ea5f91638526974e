"""Times of events: numbers of several units, ISO with zones, and the ways in which people write dates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from tests.corpus.planted import WORLD
from tests.corpus.render import at, events, table
from tests.corpus.shape import Either, Refusal, Shape
from tests.corpus.simple import with_items

_ACTS = WORLD.acts


def _timed(
    name: str,
    about: str,
    column: str,
    spell: Callable[[int], object],
    when: Callable[[int], float | None],
    *,
    refuse: str | None = None,
    tolerance: float = 0.001,
    separator: str = ",",
) -> Shape:
    return with_items(
        f"time-{name}",
        about,
        "ratings.csv",
        lambda: table(
            ("user_id", "item_id", "rating", column),
            ((a.user, a.item, a.rating, spell(a.time)) for a in _ACTS),
            separator,
        ),
        events(
            "ratings.csv",
            user="user_id",
            item="item_id",
            weight="rating",
            time=column,
            when=when,
            tolerance=tolerance,
        ),
        refuse=Refusal(refuse) if refuse else None,
    )


def _second(time: int) -> float:
    return time


def _minute(time: int) -> float:
    return time - time % 60


def _midnight(time: int) -> float:
    return time - time % 86_400


def _formatted(pattern: str) -> Callable[[int], str]:
    return lambda time: at(time, pattern)


def _short_date(time: int) -> str:
    moment = datetime.fromtimestamp(time, UTC)
    return f"{moment.year}/{moment.month}/{moment.day} {moment.hour}:{moment.minute:02d}"


def _american(time: int) -> str:
    moment = datetime.fromtimestamp(time, UTC)
    half = "AM" if moment.hour < 12 else "PM"
    return f"{moment.month}/{moment.day}/{moment.year} {moment.hour % 12 or 12}:{moment:%M:%S} {half}"


def _serial(time: int) -> float:
    """Days since 1899-12-30, as spreadsheets count."""
    return round(time / 86_400 + 25_569, 6)


def _one_year(time: int) -> float:
    """The year that is said, at its beginning."""
    return datetime(datetime.fromtimestamp(time, UTC).year, 1, 1, tzinfo=UTC).timestamp()


SHAPES = (
    _timed("unix-seconds", "Seconds.", "timestamp", lambda t: t, _second),
    _timed("unix-seconds-float", "Seconds as pandas writes floats: 1601524211.0.", "time", float, _second),
    _timed("unix-milliseconds", "Milliseconds.", "ts", lambda t: t * 1_000 + 42, lambda t: t + 0.042),
    _timed("unix-milliseconds-float", "Milliseconds with .0.", "timestamp", lambda t: t * 1_000.0, _second),
    _timed("unix-microseconds", "Microseconds.", "event_ts", lambda t: t * 1_000_000 + 7, lambda t: t + 0.000007),
    _timed(
        "unix-nanoseconds",
        "Nanoseconds, as an integer dump of pandas' times.",
        "timestamp",
        lambda t: t * 1_000_000_000,
        _second,
        refuse="nanosecond",
    ),
    _timed(
        "unix-nanoseconds-float",
        "Nanoseconds that went through a float: 1.601524211e+18.",
        "timestamp",
        lambda t: t * 1e9,
        _second,
        refuse="nanosecond",
    ),
    _timed(
        "unix-scientific",
        "Milliseconds that a spreadsheet wrote as 1.60152E+12: minutes are lost, days are there.",
        "timestamp",
        lambda t: f"{t * 1_000:.5E}",
        _second,
        tolerance=6_000,
    ),
    _timed("iso-z", "ISO 8601 with Z.", "created_at", _formatted("%Y-%m-%dT%H:%M:%SZ"), _second),
    _timed(
        "iso-milliseconds",
        "ISO 8601 with milliseconds and Z.",
        "createdAt",
        _formatted("%Y-%m-%dT%H:%M:%S.500Z"),
        lambda t: t + 0.5,
    ),
    _timed("iso-blank", "ISO with a blank, no zone.", "date", _formatted("%Y-%m-%d %H:%M:%S"), _second),
    _timed(
        "utc-suffix", "A blank and UTC behind the time.", "event_time", _formatted("%Y-%m-%d %H:%M:%S UTC"), _second
    ),
    _timed("offset-0000", "+0000 behind the time.", "created", _formatted("%Y-%m-%d %H:%M:%S +0000"), _second),
    _timed(
        "offset-of-two-hours",
        "Local times with the offset +02:00.",
        "when",
        lambda t: at(t + 7_200, "%Y-%m-%dT%H:%M:%S+02:00"),
        _second,
    ),
    _timed(
        "twitter",
        "Times such as 'Thu Oct 01 03:50:11 +0000 2020'.",
        "created_at",
        _formatted("%a %b %d %H:%M:%S +0000 %Y"),
        _second,
    ),
    _timed(
        "apache", "Times of a web log: 01/Oct/2020:03:50:11 +0000.", "t", _formatted("%d/%b/%Y:%H:%M:%S +0000"), _second
    ),
    _timed("date-iso", "A date alone.", "date", _formatted("%Y-%m-%d"), _midnight),
    _timed("yyyymmdd", "Dates as numbers: 20201001.", "day", _formatted("%Y%m%d"), _midnight),
    _timed("yyyymmddhhmmss", "Times as numbers of 14 digits.", "time", _formatted("%Y%m%d%H%M%S"), _second),
    _timed("slashes-short", "2020/10/1 3:50, without leading zeros.", "time", _short_date, _minute),
    _timed("german-dates", "01.10.2020.", "datum", _formatted("%d.%m.%Y"), _midnight),
    _timed("german-times", "01.10.2020 03:50.", "zeitpunkt", _formatted("%d.%m.%Y %H:%M"), _minute),
    _timed("day-first-slashes", "Day first: 25/10/2020.", "date", _formatted("%d/%m/%Y"), _midnight),
    _timed("month-first-slashes", "Month first: 10/25/2020.", "date", _formatted("%m/%d/%Y"), _midnight),
    _timed("am-pm", "12-hour times: 10/1/2020 3:50:11 AM.", "time", _american, _second),
    _timed("month-names", "Oct 01, 2020.", "review_date", _formatted("%b %d, %Y"), _midnight),
    _timed("long-month-names", "1 October 2020.", "date", lambda t: at(t, "%d %B %Y").lstrip("0"), _midnight),
    _timed("month-day-year-amazon", "10 1, 2020.", "reviewTime", _formatted("%m %d, %Y"), _midnight),
    _timed("chinese-dates", "2020年10月01日.", "日期", _formatted("%Y年%m月%d日"), _midnight),
    _timed("year-only", "Only the year.", "year", _formatted("%Y"), _one_year, tolerance=366 * 86_400.0),
    _timed(
        "excel-serial",
        "Serial days of a spreadsheet: 44105.159850.",
        "Date",
        _serial,
        _second,
        refuse="serial|Excel|spreadsheet|Date",
        tolerance=1.0,
    ),
    with_items(
        "time-date-and-time-columns",
        "Date and time in two columns; reading only the date is right to a day.",
        "log.csv",
        lambda: table(
            ("date", "time", "user_id", "item_id", "rating"),
            ((at(a.time, "%Y-%m-%d"), at(a.time, "%H:%M:%S"), a.user, a.item, a.rating) for a in _ACTS),
        ),
        events(
            "log.csv", user="user_id", item="item_id", weight="rating", time="date", when=_second, tolerance=86_400.0
        ),
        either=(Either("log.csv", "time", ("time", "unread")),),
    ),
    with_items(
        "time-some-missing",
        "A third of the times is missing: empty, NULL or 0000-00-00 00:00:00.",
        "ratings.csv",
        lambda: table(
            ("user_id", "item_id", "rating", "rated_at"),
            (
                (
                    a.user,
                    a.item,
                    a.rating,
                    ("", "NULL", "0000-00-00 00:00:00")[n // 9 % 3] if n % 9 == 5 else at(a.time, "%Y-%m-%d %H:%M:%S"),
                )
                for n, a in enumerate(_ACTS)
            ),
        ),
        events("ratings.csv", user="user_id", item="item_id", weight="rating", time="rated_at"),
    ),
    with_items(
        "time-two-of-them",
        "When it was rated and when the row was exported; the latter is the same in all rows.",
        "ratings.csv",
        lambda: table(
            ("user_id", "item_id", "rating", "exported_at", "rated_at"),
            ((a.user, a.item, a.rating, 1_640_000_000, a.time) for a in _ACTS),
        ),
        events("ratings.csv", user="user_id", item="item_id", weight="rating", time="rated_at"),
        unread={"ratings.csv": ("exported_at",)},
    ),
    with_items(
        "time-created-and-updated",
        "created_at and updated_at of a rating; both are defensible, created_at is what happened first.",
        "ratings.csv",
        lambda: table(
            ("id", "user_id", "item_id", "score", "created_at", "updated_at", "deleted_at"),
            (
                (n, a.user, a.item, a.rating, at(a.time, "%Y-%m-%d %H:%M:%S"), at(a.time + 90, "%Y-%m-%d %H:%M:%S"), "")
                for n, a in enumerate(_ACTS, 1)
            ),
        ),
        events(
            "ratings.csv",
            user="user_id",
            item="item_id",
            weight="score",
            time="created_at",
            tolerance=100.0,
        ),
        unread={"ratings.csv": ("deleted_at",)},
        either=(
            Either("ratings.csv", "id", ("id", "unread")),
            Either("ratings.csv", "created_at", ("time", "unread")),
            Either("ratings.csv", "updated_at", ("time", "unread")),
        ),
    ),
    with_items(
        "time-relative",
        "Seconds since the start of the recording, which nothing in the data tells: the order is right, no date is.",
        "log.csv",
        lambda: table(
            ("user_id", "item_id", "rating", "seconds_since_start"),
            ((a.user, a.item, a.rating, a.time - _ACTS[0].time) for a in _ACTS),
        ),
        events(
            "log.csv",
            user="user_id",
            item="item_id",
            weight="rating",
            time="seconds_since_start",
            when=lambda _: None,
        ),
        either=(Either("log.csv", "seconds_since_start", ("time", "unread")),),
    ),
)
