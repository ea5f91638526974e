from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.text import cache as cache_module
from encoders.text.cache import VectorCache
from kg.durable import PartialFile
from tests.damage import DAMAGES, Damage
from tests.powerless import only_where_permissions_are, run_powerless


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
    stale = tmp_path / ".1.arrow.0123456789abcdef.partial"
    stale.write_bytes(b"left behind")
    with PartialFile(tmp_path / "2.arrow"):
        assert VectorCache(tmp_path).missing(["kept", "lost"]) == ["lost"]
        (fresh,) = tmp_path.glob(".*.partial")
        assert fresh != stale
    assert not (tmp_path / "damaged.arrow").exists()


WORDS = [f"word {number}" for number in range(12)]


def fill(folder: Path) -> None:
    cache = VectorCache(folder)
    for start in range(0, len(WORDS), 4):
        cache.add(WORDS[start : start + 4], vectors_of(WORDS[start : start + 4]))


def encoded(cache: VectorCache, texts: list[str]) -> np.ndarray:
    """As the encoder uses a cache."""
    missing = cache.missing(texts)
    cache.add(missing, vectors_of(missing))
    cache.merge()
    assert cache.dimension == 3
    return read(cache, texts)


@given(damages=st.lists(DAMAGES, min_size=1, max_size=3), merge_from=st.integers(1, 5))
@settings(max_examples=60)
def test_damaged_files_cost_a_computation_and_change_no_vector(
    tmp_path_factory: pytest.TempPathFactory, damages: list[Damage], merge_from: int
) -> None:
    folder = tmp_path_factory.mktemp("damaged") / "model"
    fill(folder)
    before, cache_module.MERGE_FROM = cache_module.MERGE_FROM, merge_from
    try:
        for damage in damages:
            damage.do(folder)
            for _ in range(2):
                np.testing.assert_array_equal(encoded(VectorCache(folder), WORDS), vectors_of(WORDS))
        assert VectorCache(folder).missing(WORDS) == []
    finally:
        cache_module.MERGE_FROM = before
    shutil.rmtree(folder.parent)


def test_a_file_of_another_model_is_none_of_this_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "other")
    assert VectorCache(tmp_path / "one").missing(WORDS) == []
    assert caplog.messages == []
    assert VectorCache(tmp_path / "other").missing(WORDS) == WORDS
    assert "is damaged" in caplog.text


def test_the_folder_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        fill(tmp_path / "cache" / "text-vectors" / "model")
    finally:
        os.umask(before)
    places = [tmp_path / "cache", *(tmp_path / "cache").rglob("*")]
    assert {path.stat().st_mode & 0o777 for path in places if path.is_dir()} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in places if path.is_file()} == {0o600}


def test_a_folder_that_cannot_be_made_is_done_without(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("mine")
    cache = VectorCache(tmp_path / "file" / "model")
    for start in range(0, len(WORDS), 4):
        np.testing.assert_array_equal(encoded(cache, WORDS[: start + 4]), vectors_of(WORDS[: start + 4]))
    assert len(caplog.messages) == 1
    assert (tmp_path / "file").read_text() == "mine"


@only_where_permissions_are
@pytest.mark.parametrize("mode", [0o000, 0o500])
def test_a_folder_of_somebody_else_is_done_without(tmp_path: Path, mode: int) -> None:
    code = (
        "import sys, numpy as np; from pathlib import Path; from encoders.text.cache import VectorCache\n"
        "cache = VectorCache(Path(sys.argv[1])); missing = cache.missing(['word 1', 'new'])\n"
        "cache.add(missing, np.full((len(missing), 3), 7, np.float32)); cache.merge()\n"
        "out = np.empty((2, 3), np.float32); cache.get(['word 1', 'new'], out); print(missing, out[1].tolist())\n"
    )
    folder = tmp_path / "model"
    fill(folder)
    folder.chmod(mode)
    done = run_powerless(code, folder)
    folder.chmod(0o700)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{['new'] if mode else ['word 1', 'new']} [7.0, 7.0, 7.0]\n"
    assert len(done.stderr.splitlines()) == 1


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


def test_a_damaged_neighbour_takes_no_vector_away_that_was_found_right(tmp_path: Path) -> None:
    fill(tmp_path / "model")
    cache = VectorCache(tmp_path / "model")
    assert cache.missing(WORDS[:2]) == []
    for file in (tmp_path / "model").iterdir():
        content = bytearray(file.read_bytes())
        for word in WORDS[2:]:
            # The digest of a text that nobody asks for again.
            content = content.replace(cache_module.text_digest(word), bytes(cache_module.DIGEST_BYTES))
        file.write_bytes(content)
    cache = VectorCache(tmp_path / "model")
    missing = cache.missing(WORDS[:1])
    before, cache_module.MERGE_FROM = cache_module.MERGE_FROM, 1
    try:
        cache.add(missing, vectors_of(missing))
        cache.merge()
    finally:
        cache_module.MERGE_FROM = before
    np.testing.assert_array_equal(read(cache, WORDS[:1]), vectors_of(WORDS[:1]))
