"""What is kept beside the description of somebody else's graph and can be read again: damaged, it is read again."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings

from kg.graph_view import GraphView
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
