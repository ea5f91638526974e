"""Columns of times in a graph: read at once where they are numbers, one by one where digits may be a date."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from kg.graph_view.values import TimeColumn

NOON = datetime(2019, 9, 5, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(("form", "factor"), [("auto", 1), ("unix", 1), ("unix_ms", 10**3), ("unix_ns", 10**9)])
def test_numbers(form: str, factor: int) -> None:
    seconds, problems = TimeColumn(form, "UTC", frozenset()).of([int(NOON) * factor, 5 * factor], "at")
    assert seconds.tolist() == [NOON, 5.0]
    assert problems == {}


def test_digits_that_read_as_a_date_are_no_seconds() -> None:
    seconds, problems = TimeColumn("auto", "UTC", frozenset()).of([int(NOON), 20190905, 201909051200], "at")
    assert seconds[0] == NOON
    assert np.isnan(seconds[1:]).all()
    assert ["%Y%m%d" in problems[row].detail for row in (1, 2)] == [True, True]
    seconds, problems = TimeColumn("%Y%m%d", "UTC", frozenset()).of([20190905], "at")
    assert seconds.tolist() == [NOON - 12 * 3600]
