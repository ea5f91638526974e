"""A graph, or the neighbourhood of a node, as a file for other programs: GraphML, node-link JSON, or triples."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path

import networkx as nx

from kg.durable import file_written_whole
from kg.errors import WhyPathError
from kg.graph import KnowledgeGraph

FORMATS = (".graphml", ".json", ".tsv")


class ExportProblem(WhyPathError):
    """The graph cannot be written under that name."""


@dataclass(frozen=True)
class ExportReport:
    """How much was written."""

    nodes: int
    edges: int


def write_graph(
    graph: KnowledgeGraph, path: Path, *, around: int | None = None, depth: int = 1, interactions: bool = False
) -> ExportReport:
    """Write the graph, or what is within `depth` edges of the node `around`; sensitive fields and hidden relations stay
    out. The format follows the name: .graphml, .json (networkx's node-link form) or .tsv (head, relation, tail).

    Raises ExportProblem.
    """
    if path.suffix not in FORMATS:
        raise ExportProblem(f"{path}: name it {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")
    if not path.parent.is_dir():
        raise ExportProblem(f"{path}: there is no folder {path.parent}; make it first")
    found = graph.to_networkx(around, depth, interactions=interactions)
    plain = _plain(found)
    if path.suffix == ".graphml":
        buffer = io.BytesIO()
        nx.write_graphml(plain, buffer)
        content = buffer.getvalue()
    elif path.suffix == ".json":
        content = json.dumps(nx.node_link_data(plain, edges="edges"), ensure_ascii=False).encode()
    else:
        lines = (f"{head}\t{data['relation']}\t{tail}\n" for head, tail, data in plain.edges(data=True))
        content = "".join(["head\trelation\ttail\n", *lines]).encode()
    with file_written_whole(path) as file:
        file.write(content)
    return ExportReport(plain.number_of_nodes(), plain.number_of_edges())


def _plain(found: nx.MultiDiGraph) -> nx.MultiDiGraph:
    """The same graph with nodes named "kind:key", edges numbered, and no attribute that is None."""
    plain = nx.MultiDiGraph()
    for node, data in found.nodes(data=True):
        plain.add_node(":".join(node), **{name: value for name, value in data.items() if value is not None})
    for head, tail, data in found.edges(data=True):
        plain.add_edge(":".join(head), ":".join(tail), **data)
    return plain
