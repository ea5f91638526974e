"""Columns of strings and of fields."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.graph import FieldColumn, Strings

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=12)


def digest(column: Strings | FieldColumn) -> str:
    running = hashlib.blake2b()
    column.update(running)
    return running.hexdigest()


@given(TEXTS, TEXTS)
@settings(max_examples=100, deadline=None)
def test_strings_are_the_strings_they_were_made_of(texts: list[str], others: list[str]) -> None:
    column = Strings.of(texts)
    assert column.to_list() == list(column) == texts
    assert len(column) == len(texts)
    assert [column[n] for n in range(len(texts))] == texts
    assert column[1:3].to_list() == texts[1:3]
    assert Strings.of(column) is column
    assert [texts[n] for n in column.order()] == sorted(texts)
    assert column.positions(others).tolist() == [texts.index(t) if t in texts else -1 for t in others]
    ordered = Strings.of(sorted(set(texts)))
    assert [ordered.find(t) for t in others] == [sorted(set(texts)).index(t) if t in texts else -1 for t in others]
    assert Strings.concatenated([column, Strings.of(others)]).to_list() == texts + others
    assert (column == Strings.of(others)) == (texts == others)
    assert (digest(column) == digest(Strings.of(others))) == (texts == others)
    assert digest(Strings.concatenated([Strings.of(others), column])[len(others) :]) == digest(column)


def test_strings_beyond_their_end() -> None:
    column = Strings.of(["a", "b"])
    assert column[-1] == "b"
    for index in (2, -3):
        with pytest.raises(IndexError):
            column[index]
    with pytest.raises(ValueError, match="missing"):
        Strings(pa.array(["a", None], pa.large_string()))
    assert repr(Strings.of("abcd")) == "Strings(['a', 'b', 'c', …], 4 in all)"
    assert Strings.repeated("x", 3).to_list() == ["x", "x", "x"]
    assert Strings.concatenated([]).to_list() == []


def test_field_types() -> None:
    years = FieldColumn.of("year", "integer", [1994, None, 0])
    assert list(years) == [1994, None, 0]
    assert isinstance(years[0], int)
    numbers = FieldColumn.of("price", "number", [1.5, None])
    assert list(numbers) == [1.5, None]
    flags = FieldColumn.of("hit", "boolean", [True, False, None])
    assert list(flags) == [True, False, None]
    words = FieldColumn.of("word", "categorical", ["b", None, "a", "b"])
    assert list(words) == ["b", None, "a", "b"]
    assert words.codes is not None
    assert words.codes.tolist() == [1, -1, 0, 1]
    assert words.missing.tolist() == [False, True, False, False]


def test_dates_are_seconds_and_print_as_days() -> None:
    column = FieldColumn.of("d", "date", ["1994-09-10", None, "1994-09-10T12:30:00", "1960-01-01", "no date", 86400.0])
    assert list(column) == ["1994-09-10", None, "1994-09-10", "1960-01-01", None, "1970-01-02"]
    assert column.numbers is not None
    assert column.numbers[0] == datetime(1994, 9, 10, tzinfo=UTC).timestamp()
    assert column.numbers[2] - column.numbers[0] == 12.5 * 3600
    assert FieldColumn.of("d", "date", ["1994-09-10T01:00:00+01:00"]).numbers == column.numbers[0]


def test_a_column_has_one_form() -> None:
    with pytest.raises(ValueError, match="either numbers"):
        FieldColumn("a", "integer", False)
    with pytest.raises(ValueError, match="either numbers"):
        FieldColumn("a", "text", False, codes=np.zeros(1, dtype=np.int32))


@given(st.lists(st.none() | st.sampled_from(["x", "y", "zz"]), max_size=10), st.data())
@settings(max_examples=80, deadline=None)
def test_taken_values_bring_only_their_own_categories(values: list[str | None], data: st.DataObject) -> None:
    column = FieldColumn.of("f", "text", values, sensitive=True)
    rows = data.draw(st.lists(st.integers(0, len(values) - 1), max_size=6)) if values else []
    taken = column.take(np.array(rows, dtype=np.intp))
    expected = [values[row] for row in rows]
    assert list(taken) == expected
    assert taken.sensitive
    assert taken.categories is not None
    assert list(taken.categories) == sorted({value for value in expected if value is not None})
    assert digest(taken) == digest(FieldColumn.of("f", "text", expected))
    both = FieldColumn.concatenated([column, taken])
    assert list(both) == values + expected
