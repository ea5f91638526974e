"""What is proposed for graphs in a real Neo4j: as an expert would but for those named here, no dislike as a like."""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString, cast

import pytest

from kg.errors import WhyPathError
from kg.graph import KnowledgeGraph
from kg.graph_view.guess import guess_graph
from kg.graph_view.guess.preview import preview_graph
from kg.ingest.preview import Preview
from kg.opening import open_store
from kg.sources.guess import write_domain
from tests.corpus import SHAPES
from tests.corpus.checking import Verdict, compared
from tests.corpus.cypher import FILE
from tests.corpus.shape import Shape
from tests.neo4j_server import Server

NOT_YET = frozenset(("graph-labels-that-say-nothing",))
"""A graph whose names say nothing: who uses what cannot be told, and `init` says that it is unsure."""

GRAPHS = [shape for shape in SHAPES if "--from" in shape.inputs]


def verdict_on(shape: Shape, server: Server, folder: Path) -> Verdict:
    """Make the graph of a shape, propose a description, and read the graph by it."""
    shape.write(folder)
    statements = [each for each in (folder / FILE).read_text(encoding="utf-8").splitlines() if each]
    with server.driver() as driver, driver.session() as session, session.begin_transaction() as transaction:
        for statement in statements:
            transaction.run(cast(LiteralString, statement)).consume()
        transaction.commit()
    try:
        guess = guess_graph(server.uri, folder)
        write_domain(guess, folder / "domain.yaml")
        store = open_store(folder / "domain.yaml")
        graph = store.snapshot()
        store.close()
        check_look(preview_graph(server.uri, guess.schema), graph)
    except WhyPathError as error:
        return Verdict(shape.name, (f"refused: {error}",), refused=str(error))
    return compared(shape, guess, graph)


def check_look(look: Preview, graph: KnowledgeGraph) -> None:
    """What is shown of a graph before it is read is what a read finds: all of it, as the graphs are small."""
    everything = graph.interactions(positive_only=False)
    liked = graph.interactions(positive_only=True)
    assert look.events_seen >= len(everything.users)
    if len(everything.users) == 0:
        assert look.share_not_liked is None
        return
    assert (look.share_not_liked == 0) is (len(liked.users) == len(everything.users))
    assert len(look.items) == min(3, graph.n_items)
    # Whatever an item is related to is told with it.
    assert any("no facts" not in line for line in look.items) or not graph.relations


@pytest.mark.parametrize("shape", GRAPHS, ids=lambda shape: shape.name)
def test_a_graph_is_proposed_as_an_expert_would_describe_it(shape: Shape, empty_neo4j: Server, tmp_path: Path) -> None:
    verdict = verdict_on(shape, empty_neo4j, tmp_path)
    assert verdict.silent_dislikes == 0, verdict
    assert (not verdict.faults) is (shape.name not in NOT_YET), verdict
