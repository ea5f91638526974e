"""A snapshot whose files are not what was written is refused; one that was written wrong indexes no memory outside."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from numpy.typing import NDArray
from pyarrow import ipc

from kg.graph import KnowledgeGraph, SnapshotUnreadable
from kg.graph.intact import described, digest_of_record
from tests.damage import DAMAGES, Damage
from tests.kg.graph.graphs import SCHEMA
from whypath.testing.stores.domain import EDGES, EVENTS, NODES

GRAPH = KnowledgeGraph.from_rows(SCHEMA, NODES, EDGES, EVENTS, generation=3, event_generation=7)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved snapshot whose files have been found right, and noted so."""
    place = GRAPH.save(tmp_path_factory.mktemp("saved") / "graph")
    age(place)
    KnowledgeGraph.load(place)
    return place


def age(place: Path) -> None:
    """Wait until a file that is written to again has another time."""
    newest = max(path.stat().st_ctime_ns for path in place.iterdir())
    probe = place.parent / "probe"
    while not probe.exists() or probe.stat().st_ctime_ns - newest < 200_000_000:
        probe.write_bytes(b"")


def describe_again(place: Path) -> None:
    """Make the digests right for what the files hold now."""
    record = json.loads((place / "graph.json").read_text())
    record["files"] = described(place / name for name in record["files"])
    (place / "graph.json").write_text(json.dumps({**record, "sha256": digest_of_record(record)}))


@given(DAMAGES)
def test_any_damage_is_seen(place: Path, tmp_path_factory: pytest.TempPathFactory, damage: Damage) -> None:
    copy = tmp_path_factory.mktemp("damaged") / "graph"
    shutil.copytree(place, copy)
    KnowledgeGraph.load(copy)
    damage.do(copy)
    for mmap in (True, False):
        try:
            found = KnowledgeGraph.load(copy, mmap=mmap)
        except SnapshotUnreadable:
            continue
        # Nothing was changed, or only the note of what was found right.
        assert (found.digest, found.events_digest) == (GRAPH.digest, GRAPH.events_digest)
        assert (found.generation, found.event_generation) == (3, 7)
        assert found.schema.to_json() == GRAPH.schema.to_json()
    shutil.rmtree(copy.parent)


def test_files_that_were_found_right_are_not_read_again(place: Path, tmp_path: Path) -> None:
    copy = tmp_path / "graph"
    shutil.copytree(place, copy)
    age(copy)
    KnowledgeGraph.load(copy)
    note = json.loads((copy / "graph.checked.json").read_text())
    assert set(note["files"]) == {path.name for path in copy.iterdir() if path.suffix != ".json"}
    target = copy / "events-0-weights.npy"
    before = target.stat()
    content = bytearray(target.read_bytes())
    content[-1] ^= 1
    target.write_bytes(content)
    # Also where whoever changed it put the time back.
    os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(SnapshotUnreadable, match=r"events-0-weights\.npy does not hold what was written"):
        KnowledgeGraph.load(copy)


ARRAYS: dict[str, Callable[[NDArray], NDArray]] = {
    "events-0-items.npy": lambda found: found + 1_000_000,
    "events-0-users.npy": lambda found: found - 1_000,
    "events-0-weights.npy": lambda found: found.astype(np.float64),
    "events-0-times.npy": lambda found: found[:-1],
    "events-0-positive.npy": lambda found: found.reshape(-1, 1),
    "relation-0-forward-indices.npy": lambda found: found + 1_000_000,
    "relation-0-forward-indptr.npy": lambda found: np.append(found[:-1], 1_000_000),
    "relation-0-backward-indices.npy": lambda found: np.append(found, found[:1]),
    "relation-0-backward-indptr.npy": lambda found: found - 1,
}


@pytest.mark.parametrize("name", ARRAYS)
def test_numbers_outside_of_their_table_are_refused(place: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "graph"
    shutil.copytree(place, copy)
    before = np.load(copy / name)
    assert before.size
    np.save(copy / name, ARRAYS[name](before))
    describe_again(copy)
    with pytest.raises(SnapshotUnreadable, match="damaged"):
        KnowledgeGraph.load(copy)


def test_codes_outside_of_their_categories_are_refused(place: Path, tmp_path: Path) -> None:
    copy = tmp_path / "graph"
    shutil.copytree(place, copy)
    (categories, *_) = copy.glob("nodes-*-field-*.arrow")
    codes = categories.with_suffix(".npy")
    for change in (100, -100):
        np.save(codes, np.load(place / codes.name) + np.int32(change))
        describe_again(copy)
        with pytest.raises(SnapshotUnreadable, match="damaged"):
            KnowledgeGraph.load(copy)


def falling(texts: pa.Array) -> pa.Array:
    borders = np.frombuffer(texts.buffers()[1], dtype=np.int64).copy()
    borders[1] = 1 << 40
    return pa.LargeStringArray.from_buffers(len(texts), pa.py_buffer(borders), texts.buffers()[2])


@pytest.mark.parametrize(
    "change",
    [
        falling,
        lambda texts: texts.cast(pa.string()),
        lambda texts: pa.array([None, *texts.to_pylist()[1:]], pa.large_string()),
        lambda texts: texts[:-1],
    ],
)
def test_text_with_borders_outside_of_it_is_refused(
    place: Path, tmp_path: Path, change: Callable[[pa.Array], pa.Array]
) -> None:
    copy = tmp_path / "graph"
    shutil.copytree(place, copy)
    file = copy / "events-0.arrow"
    changed = change(ipc.open_file(pa.BufferReader(file.read_bytes())).get_batch(0).column("id"))
    with ipc.new_file(str(file), pa.schema({"id": changed.type})) as writer:
        writer.write_batch(pa.record_batch({"id": changed}))
    describe_again(copy)
    with pytest.raises(SnapshotUnreadable, match="damaged"):
        KnowledgeGraph.load(copy)
