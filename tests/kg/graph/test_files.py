"""Saving and loading snapshots, whole and damaged."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from kg.graph import KnowledgeGraph, SnapshotUnreadable
from kg.graph.intact import digest_of_record
from tests.kg.graph.graphs import GRAPHS, SCHEMA
from whypath.testing.stores.domain import EDGES, EVENTS, NODES


@pytest.fixture
def graph() -> KnowledgeGraph:
    return KnowledgeGraph.from_rows(SCHEMA, NODES, EDGES, EVENTS, generation=3, event_generation=7)


@given(GRAPHS)
@settings(max_examples=12, deadline=None)
def test_a_saved_snapshot_comes_back(graph: KnowledgeGraph) -> None:
    with tempfile.TemporaryDirectory() as directory:
        place = graph.save(Path(directory) / "graph")
        for mmap in (True, False):
            again = KnowledgeGraph.load(place, mmap=mmap)
            assert again.schema.to_json() == graph.schema.to_json()
            assert again.digest == graph.digest
            assert again.events_digest == graph.events_digest
            # The digest on disk is that of what is on disk.
            assert again.without_relations().digest == graph.without_relations().digest
            assert again.shuffled(1).digest == graph.shuffled(1).digest
            for relation, other in zip(graph.relations, again.relations, strict=True):
                assert (relation.name, relation.label, relation.hidden) == (other.name, other.label, other.hidden)
                assert relation.backward.indices.tolist() == other.backward.indices.tolist()
            for table, loaded in zip(graph.events, again.events, strict=True):
                assert table.positive.tolist() == loaded.positive.tolist()


def test_a_saved_snapshot_is_replaced_whole(graph: KnowledgeGraph, tmp_path: Path) -> None:
    place = graph.save(tmp_path / "deep" / "graph")
    smaller = KnowledgeGraph.from_rows(SCHEMA, NODES[:1])
    smaller.save(place)
    assert KnowledgeGraph.load(place).n_nodes == 1
    assert [path.name for path in place.parent.iterdir()] == ["graph"]
    loaded = KnowledgeGraph.load(place)
    assert (loaded.generation, loaded.event_generation) == (0, 0)


def test_a_mapped_snapshot_does_not_change_under_its_reader(graph: KnowledgeGraph, tmp_path: Path) -> None:
    mapped = KnowledgeGraph.load(graph.save(tmp_path / "graph"))
    KnowledgeGraph.from_rows(SCHEMA, NODES[:1]).save(tmp_path / "graph")
    assert mapped.events_digest == graph.events_digest
    with pytest.raises(ValueError, match="read-only"):
        mapped.relations[0].forward.indices[0] = 1


def signed(record: dict[str, Any]) -> str:
    return json.dumps({**record, "sha256": digest_of_record(record)})


def test_what_is_no_snapshot(graph: KnowledgeGraph, tmp_path: Path) -> None:
    with pytest.raises(SnapshotUnreadable, match="holds no snapshot"):
        KnowledgeGraph.load(tmp_path / "nowhere")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").touch()
    with pytest.raises(SnapshotUnreadable, match="holds no snapshot"):
        graph.save(tmp_path / "notes")
    assert (tmp_path / "notes" / "a.txt").exists()
    place = graph.save(tmp_path / "graph")
    record = json.loads((place / "graph.json").read_text())
    for content, word in (
        ("{", "damaged"),
        ("[" * 100_000, "damaged"),
        ("[]", "does not describe"),
        (json.dumps({**record, "version": 99}), "format 99"),
        (json.dumps({**record, "generation": 99}), "not hold what was written"),
        (signed({**record, "files": {"gone.npy": {"bytes": 3, "sha256": ""}}}), "is missing"),
        (signed({**record, "files": {"graph.json": {"bytes": 3, "sha256": ""}}}), "instead of 3"),
        (signed({**record, "files": {"graph.json": {}}}), "KeyError"),
        (signed({**record, "kinds": record["kinds"][1:]}), "it has the kinds"),
        (signed({**record, "schema": []}), "SchemaError"),
    ):
        (place / "graph.json").write_text(content)
        with pytest.raises(SnapshotUnreadable, match=word):
            KnowledgeGraph.load(place)
