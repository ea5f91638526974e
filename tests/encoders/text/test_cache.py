from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.text import cache as cache_module
from encoders.text.cache import VectorCache


def vectors_of(texts: list[str]) -> np.ndarray:
    """Some vector that only this text has."""
    return np.array([[len(text), hash(text) % 1000, 1] for text in texts], dtype=np.float32).reshape(len(texts), 3)


def read(cache: VectorCache, texts: list[str]) -> np.ndarray:
    out = np.empty((len(texts), 3), dtype=np.float32)
    cache.get(texts, out)
    return out


@given(parts=st.lists(st.lists(st.text(max_size=8), unique=True), max_size=6))
@settings(max_examples=30, deadline=None)
def test_what_was_added_is_read_back(tmp_path_factory: pytest.TempPathFactory, parts: list[list[str]]) -> None:
    folder = tmp_path_factory.mktemp("cache")
    cache = VectorCache(folder)
    for texts in parts:
        missing = cache.missing(texts)
        assert set(missing) <= set(texts)
        cache.add(missing, vectors_of(missing))
    known = list(dict.fromkeys(text for texts in parts for text in texts))
    for opened in (cache, VectorCache(folder)):
        assert len(opened) == len(known)
        assert opened.missing([*known, "never added"]) == ["never added"]
        np.testing.assert_array_equal(read(opened, known), vectors_of(known))


def test_missing_texts_are_named_once_in_order(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path / "absent")
    assert cache.missing(["b", "a", "b"]) == ["b", "a"]
    assert cache.dimension is None
    with pytest.raises(KeyError):
        read(cache, ["a"])


def test_many_files_become_one(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path)
    texts = [f"text {number}" for number in range(cache_module.MERGE_FROM)]
    for text in texts:
        cache.add([text], vectors_of([text]))
    other = VectorCache(tmp_path)
    cache.merge()
    assert len(list(tmp_path.iterdir())) == 1
    for opened in (cache, other, VectorCache(tmp_path)):
        np.testing.assert_array_equal(read(opened, texts), vectors_of(texts))


def test_damaged_and_unfinished_files_are_only_misses(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path)
    cache.add(["kept"], vectors_of(["kept"]))
    (tmp_path / "damaged.arrow").write_bytes(b"not arrow")
    (tmp_path / ".fresh.partial").write_bytes(b"being written")
    (tmp_path / ".stale.partial").write_bytes(b"left behind")
    os.utime(tmp_path / ".stale.partial", (0, 0))
    assert VectorCache(tmp_path).missing(["kept", "lost"]) == ["lost"]
    assert (tmp_path / ".fresh.partial").exists()
    assert not (tmp_path / ".stale.partial").exists()


def test_processes_may_write_at_once(tmp_path: Path) -> None:
    script = (
        "import sys, numpy as np; from pathlib import Path; from encoders.text.cache import VectorCache\n"
        "cache = VectorCache(Path(sys.argv[1]))\n"
        "for number in range(12):\n"
        "    texts = [f'text {number}', f'{sys.argv[2]} {number}']\n"
        "    cache.add(texts, np.full((2, 3), number, np.float32)); cache.merge()\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path), name]) for name in ("one", "two")]
    assert [writer.wait() for writer in writers] == [0, 0]
    cache = VectorCache(tmp_path)
    for number in range(12):
        np.testing.assert_array_equal(read(cache, [f"text {number}", f"one {number}", f"two {number}"]), number)
