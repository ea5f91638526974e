"""What strangers write: an error for the reader, or an answer, never another error."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzzing.targets import TARGETS
from tests.whypath.films import SCHEMA

EXAMPLES = int(os.environ.get("WHYPATH_FUZZ_EXAMPLES", "150"))
"""Of each target; more for a longer search."""

SEEDS = {
    "description": [SCHEMA],
    "condition": ["year >= 1990", "genre == 'Crime'", "title ~ star", "colour = true", "released > 1994-01-01"],
    "table": ['a,b\n1,"x\ny"\n', '{"a": {"b": [1]}}\n', "user:token\titem:token\n1\t2\n", "h r t\n"],
    "address": ["neo4j:SECRET@host", "host:7687?password=SECRET", "[::1", "host/SECRET", "h%40SECRET", "neo4j:SECRET"],
}
MARKS = " \t\n\r\0\x1b\"'\\{}[]()<>:;,.-_#&*!|%@/?=~^$"
PIECES = ["é", "\u202e", "\ud800", "😀", "0", "9", "a", "null", "1e999", *MARKS]
ALPHABET = st.sampled_from(PIECES)


def mutated(seeds: list[str]) -> st.SearchStrategy[bytes]:
    """Seeds with pieces cut out, doubled, put elsewhere, and with odd characters put in."""

    @st.composite
    def change(draw: st.DrawFn) -> bytes:
        text = draw(st.sampled_from(seeds))
        for _ in range(draw(st.integers(0, 6))):
            start = draw(st.integers(0, len(text)))
            stop = draw(st.integers(start, min(len(text), start + 40)))
            piece = draw(
                st.one_of(st.just(""), st.just(text[start:stop] * 2), st.lists(ALPHABET, max_size=8).map("".join))
            )
            text = text[:start] + piece + text[stop:]
        return draw(st.binary(max_size=9)) + text.encode("utf-8", "surrogatepass")

    return change()


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_no_input_causes_another_error(name: str) -> None:
    @settings(max_examples=EXAMPLES, database=None)
    @given(st.one_of(st.binary(max_size=300), mutated(SEEDS[name])))
    def search(data: bytes) -> None:
        TARGETS[name](data)

    search()
