"""Records: JSON by line, written row by row, gone on with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.records import Record, lines_of

LEAVES = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False)
ROWS = st.lists(st.dictionaries(st.text(), LEAVES, min_size=1), max_size=3)


@given(st.dictionaries(st.text(), LEAVES | ROWS, max_size=4))
def test_lines_are_json(data: dict[str, object]) -> None:
    assert json.loads(lines_of(data)) == data


def test_an_interrupted_record_is_gone_on_with(tmp_path: Path) -> None:
    out = tmp_path / "sub" / "record.json"
    Record.begun("example", {"seed": 1}, out).add({"row": "a", "seed": 1, "figure": 0.123456789})
    again = Record.begun("example", {"seed": 1}, out, resume=True)
    assert again.find(row="a", seed=1) == {"row": "a", "seed": 1, "figure": 0.123457}
    assert again.find(row="a", seed=2) is None
    assert Record.begun("example", {"seed": 1}, out).rows == []


def test_tables_are_kept_beside_the_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = Record.begun("example", {}, tmp_path / "record.json")
    record.show("First", ("model", "figure"), [["a|b", "0.25"]])
    record.show("Second", ("model", "figure"), [["c", "0.50"]])
    kept = (tmp_path / "record.md").read_text()
    assert kept.startswith("First\n\n| model | figure |\n| --- | ---: |\n| a\\|b | 0.25 |\n")
    assert "Second" in kept
    assert "0.50" in capsys.readouterr().out
