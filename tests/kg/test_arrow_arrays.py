from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.arrow_arrays import codes_of, flags_of, numbers_of, numbers_to_arrow, strings_to_arrow

texts = st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])))
places = st.tuples(st.integers(0, 5), st.integers(0, 5))


@given(values=texts)
def test_strings_are_those_that_pyarrow_makes(values: list[str | None]) -> None:
    made = strings_to_arrow(values)
    made.validate(full=True)
    assert made.equals(pa.array(values, pa.large_string()))


def test_half_a_character_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        strings_to_arrow(["a", "\ud800"])


@given(
    st.lists(st.integers(-(2**31), 2**31 - 1)), st.sampled_from([np.int64, np.int32, np.float32, np.float64]), places
)
def test_numbers_go_there_and_back(values: list[int], dtype: type[np.generic], part: tuple[int, int]) -> None:
    numbers = np.array(values, dtype=dtype)
    made = numbers_to_arrow(numbers)
    assert made.equals(pa.array(numbers))
    found = numbers_of(made[part[0] : sum(part)])
    assert found.dtype == numbers.dtype
    np.testing.assert_array_equal(found, numbers[part[0] : sum(part)])


@given(st.lists(st.none() | st.integers(0, 2**31 - 1)), places)
def test_missing_codes_are_below_zero(values: list[int | None], part: tuple[int, int]) -> None:
    found = codes_of(pa.array(values, pa.int32())[part[0] : sum(part)])
    assert found.tolist() == [-1 if value is None else value for value in values[part[0] : sum(part)]]


@given(st.lists(st.booleans()), places)
def test_flags(values: list[bool], part: tuple[int, int]) -> None:
    assert flags_of(pa.array(values, pa.bool_())[part[0] : sum(part)]).tolist() == values[part[0] : sum(part)]


def test_none_of_it_imports_pandas() -> None:
    code = """
import sys
import numpy as np
from kg.arrow_arrays import *
import pyarrow.compute as pc
texts = strings_to_arrow(["a", None, "b"])
codes_of(pc.call_function("index_in", [texts], pc.SetLookupOptions(value_set=texts, skip_nulls=True)))
flags_of(texts.is_valid()), numbers_of(numbers_to_arrow(np.arange(3)))
print("pandas" in sys.modules)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
