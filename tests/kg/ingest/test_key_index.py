"""The index of the keys of a load."""

from __future__ import annotations

import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from kg.ingest.key_index import KeyIndex


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
    # 16 bytes a slot and at most four slots a key.
    assert held < 66 * 100_000
