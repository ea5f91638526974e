"""Nothing in a shown text is invisible, and what people write in any script stays readable."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.visible import visible, visible_line

JOINERS = "\u200c\u200d"
HOSTILE = "\x00\x07\x08\r\x1b\x7f\x85\x9b\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202e\u2066\u2069\ufeff"
HOSTILE += "\ud800\udfff\ufffe\U000e0041\U000e0100\ufe0f\u3164\u2800\U0001f3fb\U0001f468\t\n\\x़्क"
texts = st.text(st.one_of(st.characters(exclude_categories=()), st.sampled_from(HOSTILE)))


@given(texts)
def test_nothing_invisible_survives(text: str) -> None:
    shown = visible(text)
    for before, character in zip(" " + shown, shown, strict=False):
        category = unicodedata.category(character)
        assert category not in ("Cc", "Cs", "Zl", "Zp") or character in "\n\t"
        if character in JOINERS or "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
            # They have a form of what stands before them to change, and never follow one another.
            assert unicodedata.category(before) in ("Lo", "Mn", "Mc", "So", "Sk", "Nd", "Lm") or before in "\ufe0f#*"
            assert before not in JOINERS
        elif category == "Cf":
            assert unicodedata.bidirectional(character) in ("AN", "AL", "L")  # signs of numbers, which are seen
    assert "\n" not in visible_line(text)
    assert "\t" not in visible_line(text)


@given(texts)
def test_twice_is_once(text: str) -> None:
    assert visible(visible(text)) == visible(text)
    assert visible(visible_line(text)) == visible_line(text)


@given(
    st.text(st.characters(exclude_categories=("C", "Z", "M"), max_codepoint=0x10FF, exclude_characters="\u115f\u1160"))
)
def test_letters_stay(text: str) -> None:
    assert visible_line(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Amélie", "e\u0301", "千と千尋の神隠し", "葛\U000e0100城", "می\u200cخواهم", "क्\u200dष", "ക്\u200d", "a\u00a0b",
        "👨\u200d👩\u200d👧", "🏳\ufe0f\u200d🌈", "❤\ufe0f", "1\ufe0f\u20e3", "👩🏽\u200d⚕\ufe0f", "שלום", "مرحبا",
        "a\tb\nc", r"C:\new",
    ],
)  # fmt: skip
def test_what_people_write_stays(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("a\r\x7f", r"a\r\x7f"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("ad\u200dmin", r"ad\u200dmin"),
        ("\u200bzero\ufeff", r"\u200bzero\ufeff"),
        ("a\u2028b", r"a\u2028b"),
        ("\udce9", r"\udce9"),
        ("a\U000e0041", r"a\U000e0041"),
        ("😀\ufe0f\ufe0f", "\U0001f600\\ufe0f\\ufe0f"),
        ("a\ufe0f", r"a\ufe0f"),
    ],
)
def test_escapes(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_line_has_no_line_breaks() -> None:
    assert visible_line("a\nb\tc") == r"a\nb\tc"
