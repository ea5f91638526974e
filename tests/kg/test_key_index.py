"""The index of the keys of a load."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.key_index import KeyIndex


@given(st.lists(st.tuples(st.text(max_size=3), st.integers(0, 2))))
@settings(deadline=None)
def test_the_key_index_is_a_dictionary(pairs: list[tuple[str, int]]) -> None:
    index, expected = KeyIndex(), {}
    for key, content in pairs:
        assert index.add(key, (content, "x")) == (None if key not in expected else expected[key] == content)
        expected.setdefault(key, content)
    assert len(index) == len(expected)
    assert all(key in index and index.has(key, (content, "x")) for key, content in expected.items())
    assert "never" not in index
    assert not index.has("never", (0, "x"))


def test_the_key_index_stays_small() -> None:
    tracemalloc.start()
    index = KeyIndex()
    for number in range(100_000):
        index.add(f"a key that is not so very short {number}", ("content", number))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(index) == 100_000
    # 16 bytes a slot, of which 40 to 65 % are taken.
    assert held < 41 * 100_000


@pytest.mark.parametrize("bits", [0, 32, 64])
def test_a_growing_key_index_keeps_everything(bits: int) -> None:
    index = KeyIndex(content_bits=bits)
    # Numbers are their own hashes: these share a few first slots, and run over into each other and over the end.
    keys = list(dict.fromkeys([*range(1, 9_000), *(1024 * number for number in range(1, 5_000)), "ab", ("a", 1)]))
    for number, key in enumerate(keys, 1):
        assert index.add(key, number) is None
    assert len(index) == len(keys)
    for number, key in enumerate(keys, 1):
        assert key in index
        assert index.add(key, number)
        if bits:
            assert index.add(key, 0) is False
    if bits:
        numbers = index.numbers([*keys, "never"])
        assert numbers.tolist() == [*range(1, len(keys) + 1), 0]
    assert "never" not in index
