"""The exact forms that programs read: JSON, cells of tab-separated files, character data of XML."""

from __future__ import annotations

import io
import json
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kg.json_text import json_text
from kg.tsv_cells import text_of_cell, tsv_cell
from kg.visible import visible, visible_line
from kg.xml_text import text_of_xml, xml_text
from tests.kg.test_visible import HOSTILE, texts

whole = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from([c for c in HOSTILE if not "\ud800" <= c <= "\udfff"]))
)
cells = st.one_of(whole, st.text('\\"tn\t\n\rux01a'))


plain = st.one_of(whole, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))


@given(st.recursive(plain, lambda inner: st.lists(inner) | st.dictionaries(whole, inner)))
def test_json_is_exact_and_visible(data: object) -> None:
    for indent in (None, 2):
        text = json_text(data, indent=indent)
        assert json.loads(text) == data
        assert visible(text) == text


@given(texts)
def test_json_has_no_halves_of_characters(text: str) -> None:
    read = json.loads(json_text([text]).encode())[0]
    assert read.encode().decode() == read
    assert read == text or any("\ud800" <= character <= "\udfff" for character in text)


def test_json_has_no_numbers_that_are_none() -> None:
    assert (
        json_text({"a": [float("nan"), float("inf"), -0.5], "b": "caf\udce9"})
        == r'{"a": [null, null, -0.5], "b": "caf\\udce9"}'
    )


@given(cells)
@example('"')
@example('\\"')
@example('\\"a"')
@example("\r")
@example("a\0b")
def test_cells_come_back(text: str) -> None:
    cell = tsv_cell(text)
    assert text_of_cell(cell) == text
    assert visible_line(cell) == cell
    assert not cell.startswith('"')
    assert cell == text or cell.startswith('\\"')


@pytest.mark.parametrize("text", ["007", "C:\\new\\table", 'x "y"', "a b", "=1", "", "é", "\\", "\\t", "👨\u200d👩"])
def test_plain_cells_stay(text: str) -> None:
    assert tsv_cell(text) == text


@pytest.mark.parametrize("cell", ['\\"', '\\"a', '\\"a" b', '\\"\\ud800"', '"a"', "\\n"])
def test_cells_of_others_stand_as_they_are(cell: str) -> None:
    assert text_of_cell(cell) == cell


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("a\tb", '\\"a\\tb"'),
        ("a\nb", '\\"a\\nb"'),
        ("\x1b[1A", '\\"\\u001b[1A"'),
        ('"a', '\\"\\"a"'),
        ("\udce9", "\\udce9"),
    ],
)
def test_cells(text: str, cell: str) -> None:
    assert tsv_cell(text) == cell


@given(st.one_of(texts, st.text("_x0015BF\x1b")))
@example("_x001B_")
@example("_x_x001B_001B_")
@example("__x005F_x0000__x005f_")
@example("_x0000\x1f")
def test_xml_comes_back(text: str) -> None:
    element = ElementTree.Element("a", {"b": xml_text(text)})
    written = io.BytesIO()
    ElementTree.ElementTree(element).write(written, "utf-8")
    read = ElementTree.fromstring(written.getvalue()).get("b")
    assert read is not None
    assert text_of_xml(read) == text


@pytest.mark.parametrize("text", ["a\tb\nc\r", "_x1B_", "x001B_", "\x85\u202e", "_x001G_"])
def test_xml_that_needs_no_escape(text: str) -> None:
    assert xml_text(text) == text
