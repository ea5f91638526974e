"""What is kept beside the description of somebody else's graph and can be read again: damaged, it is read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from kg.graph_view import GraphView
from kg.graph_view.sidecar import Kept, Sidecar
from tests.damage import DAMAGES, Damage
from tests.kg.stores.test_graph_view_content import GRAPH, described
from tests.neo4j_server import Server


def digests_of(view: GraphView) -> tuple[str, str]:
    graph = view.snapshot()
    return graph.digest, graph.events_digest


@given(DAMAGES)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_snapshot_is_read_again(empty_neo4j: Server, tmp_path: Path, damage: Damage) -> None:
    empty_neo4j.query("MATCH (n) DETACH DELETE n")
    empty_neo4j.query(GRAPH)
    view = described(tmp_path, empty_neo4j)
    # Taken now: nobody is helped whose mapped files are cut while they are read.
    digests = digests_of(view)
    view.close()
    (cached,) = (tmp_path / ".whypath" / "domain").glob("generation-*")
    damage.do(cached)
    again = GraphView.open(tmp_path / "domain.yaml")
    assert digests_of(again) == digests
    again.close()


KEPT = Kept(3, {"items": 2}, "schema", "facts", "events", 0)


@pytest.mark.parametrize(
    "change",
    [
        {"generation": "3"},
        {"generation": -3},
        {"generation": True},
        {"counts": {"items": None}},
        {"counts": []},
        {"facts": 1},
        {"dangling": "0"},
        {"more": 1},
    ],
)
def test_a_note_that_is_none_says_nothing(tmp_path: Path, change: dict[str, Any]) -> None:
    sidecar = Sidecar(tmp_path / "domain.yaml")
    sidecar.keep(KEPT)
    assert sidecar.kept() == KEPT
    note = sidecar.directory / "kept.json"
    assert note.stat().st_mode & 0o777 == 0o600
    note.write_text(json.dumps({**json.loads(note.read_text()), **change}))
    assert sidecar.kept() is None
    note.write_text("[" * 100_000)
    assert sidecar.kept() is None
    sidecar.close()
