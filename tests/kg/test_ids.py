"""Ids as callers have them: one rule for all."""

from __future__ import annotations

import uuid

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.ids import BadId, id_text, id_texts
from kg.rows import Event


@given(st.integers(-(2**70), 2**70))
def test_a_whole_number_is_its_digits(number: int) -> None:
    assert id_text(number) == str(number)
    if abs(number) < 2**53:
        assert id_text(float(number)) == str(number)
    if abs(number) < 2**63:
        assert id_text(np.int64(number)) == str(number)


@given(st.text())
def test_a_text_stays(text: str) -> None:
    assert id_text(text) == text


def test_other_types() -> None:
    known = uuid.UUID(int=7)
    assert id_text(known) == str(known)
    assert id_text(np.str_("a")) == "a"
    assert type(id_text(np.str_("a"))) is str
    assert id_text(np.float64(5)) == "5"


@pytest.mark.parametrize("value", [True, np.bool_(False), None, 1.5, float("nan"), b"42", ["a"], object()])
def test_what_is_no_id(value: object) -> None:
    with pytest.raises(BadId, match="is not an id"):
        id_text(value)  # pyright: ignore[reportArgumentType]


def test_lists_of_ids() -> None:
    assert id_texts([1, "b", 3.0], "a history") == ["1", "b", "3"]
    assert id_texts(np.array([4, 5]), "a history") == ["4", "5"]
    for value in ("50", b"50", 50):
        with pytest.raises(BadId, match="a history is a list of ids"):
            id_texts(value, "a history")  # pyright: ignore[reportArgumentType]


def test_events_take_numbers() -> None:
    assert Event.of(7, np.int64(12), "film", "rating") == Event.of("7", "12", "film", "rating")
