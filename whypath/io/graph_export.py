"""Write a graph, or the neighbourhood of a node, for other programs: GraphML, node-link JSON, or triples.

Texts that a format cannot hold unchanged, such as control characters, are escaped reversibly: by `kg.xml_text` for
GraphML, by `kg.tsv_cells` for triples.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import networkx as nx

from kg.durable import file_written_whole
from kg.errors import WhyPathError
from kg.exchange.networkx import to_networkx
from kg.graph import KnowledgeGraph
from kg.json_text import json_text
from kg.tsv_cells import tsv_cell
from kg.xml_text import xml_text

FORMATS = (".graphml", ".json", ".tsv")


class ExportProblem(WhyPathError):
    """The graph cannot be written under that name."""


@dataclass(frozen=True)
class ExportReport:
    """Counts of a written file."""

    nodes: int
    edges: int


def write_graph(
    graph: KnowledgeGraph, path: Path, *, around: int | None = None, depth: int = 1, interactions: bool = False
) -> ExportReport:
    """Write the graph, or the nodes within `depth` edges of the node `around`; sensitive fields and hidden relations
    are left out. The name gives the format: .graphml, .json (networkx's node-link form) or .tsv (head, relation, tail).

    Raises ExportProblem.
    """
    if path.suffix not in FORMATS:
        raise ExportProblem(f"{path}: name it {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")
    if not path.parent.is_dir():
        raise ExportProblem(f"{path}: there is no folder {path.parent}; create it first")
    found = to_networkx(graph, around, depth, interactions=interactions)
    plain = _plain(found)
    if path.suffix == ".graphml":
        content = _graphml(plain)
    elif path.suffix == ".json":
        content = json_text(nx.node_link_data(plain, edges="edges")).encode()
    else:
        triples = ((head, str(data["relation"]), tail) for head, tail, data in plain.edges(data=True))
        lines = ("\t".join(map(tsv_cell, triple)) + "\n" for triple in triples)
        content = "".join(["head\trelation\ttail\n", *lines]).encode()
    with file_written_whole(path) as file:
        file.write(content)
    return ExportReport(plain.number_of_nodes(), plain.number_of_edges())


def _plain(found: nx.MultiDiGraph) -> nx.MultiDiGraph:
    """Return the same graph with nodes named "kind:key", edges numbered, and no attribute that is None."""
    plain = nx.MultiDiGraph()
    for node, data in found.nodes(data=True):
        plain.add_node(":".join(node), **{name: value for name, value in data.items() if value is not None})
    for head, tail, data in found.edges(data=True):
        plain.add_edge(":".join(head), ":".join(tail), **data)
    return plain


def _graphml(plain: nx.MultiDiGraph) -> bytes:
    """Write the graph as GraphML, with texts escaped by `xml_text`."""
    fit = nx.MultiDiGraph()
    for node, data in plain.nodes(data=True):
        fit.add_node(xml_text(node), **_fit(data))
    for head, tail, key, data in plain.edges(keys=True, data=True):
        fit.add_edge(xml_text(head), xml_text(tail), key, **_fit(data))
    buffer = io.BytesIO()
    # The writer of networkx's two that is always available, so that the same graph gives the same bytes everywhere.
    nx.write_graphml_xml(fit, buffer)
    # It does not escape these between tags, where every reader takes them for line feeds.
    return buffer.getvalue().replace(b"\r", b"&#13;")


def _fit(attributes: dict[str, object]) -> dict[str, object]:
    return {xml_text(name): xml_text(value) if isinstance(value, str) else value for name, value in attributes.items()}
