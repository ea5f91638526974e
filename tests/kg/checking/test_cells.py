"""Cells into values, times into seconds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.checking.times import time_reader
from kg.checking.values import RowProblem, field_of, key_of, number_of, text_of
from kg.schema import FieldSpec
from kg.sources import Reason

MISSING = frozenset({"", "NULL", "NA"})


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("  a b ", "a b"), ("", None), (" NULL ", None), ("null", "null"), (None, None), (5, "5"), (5.0, "5"),
        (5.5, "5.5"),
        (True, "true"), (float("nan"), None), (["a", None, 2.0], "a, 2"), ([], None), (date(2020, 1, 2), "2020-01-02"),
    ],
)  # fmt: skip
def test_text(cell: Any, text: str | None) -> None:
    assert text_of(cell, "c", MISSING) == text


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("integer", "-12", -12), ("integer", "1995.0", 1995), ("integer", 7.0, 7), ("integer", True, 1),
        ("integer", str(2**63 - 1), 2**63 - 1), ("number", "1e3", 1000.0), ("number", ".5", 0.5), ("number", 3, 3.0),
        ("boolean", "Yes", True), ("boolean", 0, False), ("boolean", "F", False), ("date", "1994-09-10", "1994-09-10"),
        ("date", "1994-09-10T12:00:00", "1994-09-10"), ("date", datetime(1994, 9, 10, 23), "1994-09-10"),
        ("date", date(1994, 9, 10), "1994-09-10"), ("categorical", 5, "5"), ("text", "x", "x"), ("integer", "NA", None),
        ("boolean", None, None), ("number", float("nan"), None), ("date", "", None),
    ],
)  # fmt: skip
def test_typed_fields(kind: str, cell: Any, value: Any) -> None:
    found = field_of(cell, FieldSpec.model_validate({"type": kind}), "c", MISSING)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "cell", "reason"),
    [
        ("integer", "1.5", Reason.BAD_NUMBER), ("integer", "１２", Reason.BAD_NUMBER),
        ("integer", "1_0", Reason.BAD_NUMBER), ("integer", str(2**63), Reason.BAD_NUMBER),
        ("number", "1,5", Reason.BAD_NUMBER), ("number", "NaN", Reason.BAD_NUMBER),
        ("number", "1_0", Reason.BAD_NUMBER), ("number", 10**400, Reason.BAD_NUMBER),
        ("boolean", "2", Reason.BAD_BOOLEAN),
        ("date", "10.9.1994", Reason.BAD_TIME), ("date", "1994", Reason.BAD_TIME), ("text", "\ud800", Reason.BAD_UTF8),
        ("text", "a\0b", Reason.BAD_VALUE),
    ],
)  # fmt: skip
def test_what_is_no_such_value(kind: str, cell: Any, reason: Reason) -> None:
    with pytest.raises(RowProblem) as caught:
        field_of(cell, FieldSpec.model_validate({"type": kind}), "the column", MISSING)
    assert caught.value.reason is reason
    assert "the column" in caught.value.detail


def test_a_key_is_one_value() -> None:
    assert key_of(12.0, "c", MISSING) == "12"
    with pytest.raises(RowProblem, match="several values"):
        key_of(["a"], "c", MISSING)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_float_comes_back_from_its_text(value: float) -> None:
    assert number_of(repr(value), "c", MISSING) == value
    assert number_of(value, "c", MISSING) == value


cells = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes() | st.lists(st.text())


@given(cell=cells, kind=st.sampled_from(["integer", "number", "boolean", "date", "categorical", "text"]))
def test_any_cell_is_a_value_or_a_problem(cell: Any, kind: str) -> None:
    try:
        value = field_of(cell, FieldSpec.model_validate({"type": kind}), "c", MISSING)
    except RowProblem as problem:
        assert problem.detail  # noqa: PT017
    else:
        assert value is None or isinstance(value, str | int | float)


@pytest.mark.parametrize(
    ("cell", "number"),
    [("4,5", 4.5), ("-0,5", -0.5), (",5", 0.5), ("1.234,5", 1234.5), ("1.234", 1234.0), ("12", 12.0), (4.5, 4.5),
     ("NA", None), (None, None)],
)  # fmt: skip
def test_numbers_with_a_decimal_comma(cell: Any, number: float | None) -> None:
    spec = FieldSpec.model_validate({"type": "number"})
    assert field_of(cell, spec, "c", MISSING, ",") == number


@pytest.mark.parametrize("cell", ["4.5", "12.34,5", "1,234.5", "4,5,6", "1.2345", "four"])
def test_what_is_no_number_with_a_decimal_comma(cell: str) -> None:
    with pytest.raises(RowProblem) as caught:
        field_of(cell, FieldSpec.model_validate({"type": "number"}), "c", MISSING, ",")
    assert caught.value.reason is Reason.BAD_NUMBER


@given(st.decimals(-(10**9), 10**9, places=3))
def test_a_decimal_comma_means_what_the_point_means(number: Decimal) -> None:
    spec = FieldSpec.model_validate({"type": "number"})
    plain, grouped = str(number), f"{number:,}"
    comma = {"plain": plain.replace(".", ","), "grouped": grouped.translate({44: ".", 46: ","})}
    for spelt in comma.values():
        assert field_of(spelt, spec, "c", MISSING, ",") == float(plain)


moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))


@given(moments)
def test_times_of_all_formats_agree(moment: datetime) -> None:
    seconds = (moment - datetime(1970, 1, 1)) / timedelta(seconds=1)
    whole = moment.replace(microsecond=0)
    for form, cell in (
        ("auto", moment.isoformat()),
        ("iso", moment.isoformat(" ")),
        ("auto", moment),
        ("iso", moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=5))).isoformat()),
    ):
        assert time_reader(form, "UTC")(cell, "t", MISSING) == seconds
    whole_seconds = (whole - datetime(1970, 1, 1)) // timedelta(seconds=1)
    for form, cell in (
        ("unix", whole_seconds),
        ("unix", f"{whole_seconds}.0"),
        ("unix_ms", str(whole_seconds * 1000)),
        ("unix_us", whole_seconds * 1_000_000),
        ("unix_ns", whole_seconds * 1_000_000_000),
        ("auto", whole.isoformat(" ") + " UTC"),
        ("iso", whole.isoformat() + "Z"),
        ("%Y/%m/%d %H:%M:%S", f"{whole.year:04d}" + whole.strftime("/%m/%d %H:%M:%S GMT")),
        ("%d/%m/%Y %H:%M:%S", whole.strftime("%d/%m/") + f"{whole.year:04d}" + whole.strftime(" %H:%M:%S")),
    ):
        assert time_reader(form, "UTC")(cell, "t", MISSING) == whole_seconds


def test_times_without_a_zone_are_local_to_the_one_said() -> None:
    read = time_reader("iso", "Europe/Berlin")
    assert read("1996-07-04", "t", MISSING) == datetime(1996, 7, 3, 22, tzinfo=UTC).timestamp()
    assert read("1996-07-04T00:00Z", "t", MISSING) == datetime(1996, 7, 4, tzinfo=UTC).timestamp()
    assert read(date(1996, 7, 4), "t", MISSING) == datetime(1996, 7, 3, 22, tzinfo=UTC).timestamp()
    assert read("NULL", "t", MISSING) is None


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("auto", "yesterday"),
        ("iso", "100"),
        ("unix", "2020-01-01"),
        ("unix", "nan"),
        ("%Y", "96"),
        ("auto", "99999999999999"),
        ("auto", "2019-09-05 12:00 CET"),
        ("auto", "20190905"),
        ("auto", "20190905143000"),
        ("excel", "0"),
        ("excel", "2019-09-05"),
    ],
)
def test_what_is_no_time(form: str, text: str) -> None:
    with pytest.raises(RowProblem) as caught:
        time_reader(form, "UTC")(text, "t", MISSING)
    assert caught.value.reason is Reason.BAD_TIME


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(microsecond=0)))
def test_a_message_names_the_unit_that_a_number_has(moment: datetime) -> None:
    seconds = int(moment.replace(tzinfo=UTC).timestamp())
    for unit, factor in (("unix_ms", 10**3), ("unix_us", 10**6), ("unix_ns", 10**9)):
        with pytest.raises(RowProblem, match=f"`time_format: {unit}`"):
            time_reader("auto", "UTC")(seconds * factor, "t", MISSING)


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)))
def test_digits_that_read_as_a_date_are_no_seconds(day: date) -> None:
    digits = day.strftime("%Y%m%d")
    with pytest.raises(RowProblem, match="%Y%m%d"):
        time_reader("auto", "UTC")(int(digits), "t", MISSING)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    assert time_reader("%Y%m%d", "UTC")(int(digits), "t", MISSING) == midnight
    assert time_reader("unix", "UTC")(digits, "t", MISSING) == int(digits)


def test_day_numbers_of_excel() -> None:
    read = time_reader("excel", "UTC")
    assert read("43709.5", "t", MISSING) == datetime(2019, 9, 1, 12, tzinfo=UTC).timestamp()
    assert read(61.0, "t", MISSING) == datetime(1900, 3, 1, tzinfo=UTC).timestamp()
    berlin = time_reader("excel", "Europe/Berlin")
    assert berlin(43709, "t", MISSING) == datetime(2019, 8, 31, 22, tzinfo=UTC).timestamp()
