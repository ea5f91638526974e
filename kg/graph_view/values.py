"""Convert columns of properties to keys, texts, fields, times and weights, with a problem for each bad value.

Strings are not trimmed: a graph has no stray blanks of a file, and keys must be found in it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kg.checking.lists import ListReader
from kg.checking.times import UNITS, time_reader
from kg.checking.values import RowProblem, field_of, keys_of, short, text_of, weight_of
from kg.limits import EARLIEST, LARGEST_WEIGHT, LATEST
from kg.rows import FieldValue
from kg.schema import FieldSpec, FieldType
from kg.sources import Reason

Problems = dict[int, RowProblem]
"""Row of a column -> why its value cannot be used."""


_NOTHING = type(None)


def graph_key(value: Any, property: str) -> str | None:
    """A property as a key: text unchanged, whole numbers in digits; None if there is no value."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        if "\0" in value:
            raise RowProblem(Reason.BAD_VALUE, f"{property}: a NUL character in a key")
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    raise RowProblem(Reason.BAD_VALUE, f"{property}: {short(value)} is no key (text or a whole number)")


def key_column(values: Sequence[Any], property: str) -> tuple[list[str | None], Problems]:
    """Keys of a column; None with no problem where there is no value."""
    if set(map(type, values)) == {str} and not any("\0" in value or not value for value in values):
        return list(values), {}
    return _each(values, lambda value: graph_key(value, property))


def keys_column(
    values: Sequence[Any], property: str, read: ListReader | None, missing: frozenset[str]
) -> tuple[list[list[str] | None], Problems]:
    """Keys in each value of a column: those that `read` finds in it, or one if `read` is None."""
    return _each(values, lambda value: keys_of(read(value, missing) if read else [value], property, missing))


def text_column(values: Sequence[Any], property: str, missing: frozenset[str]) -> tuple[list[str | None], Problems]:
    """Texts of a column: numbers and booleans as text, lists joined by commas."""
    return _each(values, lambda value: text_of(value, property, missing))


def field_column(
    values: Sequence[Any], spec: FieldSpec, property: str, missing: frozenset[str]
) -> tuple[list[FieldValue], Problems]:
    """Values of a typed field."""
    types = set(map(type, values)) - {_NOTHING}
    if (spec.type is FieldType.INTEGER and types <= {int}) or (spec.type is FieldType.BOOLEAN and types <= {bool}):
        return list(values), {}
    if spec.type is FieldType.DATE:
        values = [without_zone(value) for value in values]
    return _each(values, lambda value: field_of(value, spec, property, missing))


def weight_column(
    values: Sequence[Any], property: str, missing: frozenset[str]
) -> tuple[NDArray[np.float64], Problems]:
    """Weights of a column, NaN where there is none."""
    if set(map(type, values)) <= {int, float}:
        numbers = np.array(values, dtype=np.float64)
        if not (np.abs(numbers) > LARGEST_WEIGHT).any():
            return numbers, {}
    weights, problems = _each(values, lambda value: weight_of(value, property, missing))
    return _with_nan(weights), problems


class TimeColumn:
    """Reads columns of times: numbers, text, and the server's spelling of its own dates and times."""

    def __init__(self, form: str, timezone: str, missing: frozenset[str]) -> None:
        self._read = time_reader(form, timezone)
        self._unit = UNITS.get(form)
        self._may_be_dates = form == "auto"
        self._missing = missing
        self._known: dict[str, float | None] = {}

    def of(self, values: Sequence[Any], property: str) -> tuple[NDArray[np.float64], Problems]:
        """Seconds since the epoch, NaN where there is no time."""
        if self._unit is not None and set(map(type, values)) <= {int, float}:
            seconds = np.array(values, dtype=np.float64) / self._unit
            odd = (seconds < EARLIEST) | (seconds > LATEST)
            if self._may_be_dates:  # digits such as 20190905 or 201909051430, which are recognised one by one
                odd |= (seconds >= 1.9e7) & (seconds < 2.2e7) | (seconds >= 1.9e11) & (seconds < 2.2e11)
            if not odd.any():
                return seconds, {}
        times, problems = _each(values, lambda value: self._one(value, property))
        return _with_nan(times), problems

    def _one(self, value: Any, property: str) -> float | None:
        if not isinstance(value, str):
            return self._read(value, property, self._missing)
        # Days and hours recur; parsing a time takes a microsecond, looking it up a tenth.
        if value not in self._known:
            if len(self._known) > 100_000:
                self._known.clear()
            self._known[value] = self._read(without_zone(value), property, self._missing)
        return self._known[value]


def without_zone(value: Any) -> Any:
    """A time in the server's spelling, without the zone's name after its offset."""
    if not isinstance(value, str) or not value.endswith("]"):
        return value
    # Not by a pattern, which starts again at every bracket of a value that has no zone: from the first bracket after
    # the last one that closes before.
    start = value.find("[", value.rfind("]", 0, -1) + 1)
    return value if start < 0 else value[:start]


def _each(values: Sequence[Any], convert: Callable[[Any], Any]) -> tuple[list[Any], Problems]:
    converted: list[Any] = []
    problems: Problems = {}
    for row, value in enumerate(values):
        try:
            converted.append(convert(value))
        except RowProblem as problem:
            converted.append(None)
            problems[row] = problem
    return converted, problems


def _with_nan(values: Sequence[float | None]) -> NDArray[np.float64]:
    nan = float("nan")
    return np.array([nan if value is None else value for value in values], dtype=np.float64)
