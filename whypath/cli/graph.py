"""Look at the graph of a store: statistics, one node with its neighbours, paths between two nodes, an export.

A node is named KIND:KEY, an item also by its id alone. Sensitive fields and hidden relations are not shown."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING, Any

from whypath.cli.arguments import add_json, add_store, positive
from whypath.cli.console import one_line, print_json, print_rich, remark

if TYPE_CHECKING:
    from rich.table import Table

    from kg.graph import GraphStatistics, KnowledgeGraph
    from kg.stores import GraphStore

SUMMARY = "look at the graph: stats, show NODE, paths NODE NODE, export"
EXAMPLES = """\
  whypath graph stats --store store
  whypath graph show film:50 --store store
  whypath graph paths film:50 film:172 --store store --max-edges 4
  whypath graph export --store store --around film:50 --depth 2 --out around.graphml
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's subcommands."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, dest="action")
    stats = actions.add_parser("stats", help="counts, degrees, components, items without facts, dangling ids")
    add_store(stats)
    add_json(stats)
    show = actions.add_parser("show", help="one node: its fields and its neighbours by relation")
    show.add_argument("node", metavar="NODE", help="KIND:KEY, or an item's id")
    add_store(show)
    show.add_argument(
        "--limit", type=positive, default=10, metavar="N", help="neighbours shown per relation (default 10)"
    )
    add_json(show)
    paths = actions.add_parser("paths", help="paths between two nodes, the shortest and most informative first")
    paths.add_argument("start", metavar="NODE", help="KIND:KEY, or an item's id")
    paths.add_argument("end", metavar="NODE", help="KIND:KEY, or an item's id")
    add_store(paths)
    paths.add_argument("--max-edges", type=positive, default=4, metavar="N", help="longest path (default 4)")
    paths.add_argument("--limit", type=positive, default=10, metavar="N", help="paths shown (default 10)")
    paths.add_argument("--interactions", action="store_true", help="also paths over users' positive events")
    add_json(paths)
    export = actions.add_parser("export", help="write the graph, or the surroundings of a node, to a file")
    add_store(export)
    export.add_argument("--out", required=True, metavar="FILE", help=".graphml, .json (node-link) or .tsv (triples)")
    export.add_argument("--around", metavar="NODE", help="only the surroundings of this node")
    export.add_argument(
        "--depth", type=positive, default=1, metavar="N", help="size of the surroundings, in edges (default 1)"
    )
    export.add_argument("--interactions", action="store_true", help="with users and their events")


def run(arguments: argparse.Namespace) -> int:
    """Run one of the actions."""
    from kg.opening import open_store

    store = open_store(arguments.store)
    try:
        graph = store.snapshot()
        match arguments.action:
            case "stats":
                _stats(graph, _dangling(store), as_json=arguments.json)
            case "show":
                _show(graph, arguments.node, arguments.limit, as_json=arguments.json)
            case "paths":
                _paths(store, graph, arguments)
            case _:
                _export(graph, arguments)
    finally:
        store.close()
    return 0


def _dangling(store: GraphStore) -> int:
    from kg.stores import CountsDangling

    return store.dangling() if isinstance(store, CountsDangling) else 0


def _stats(graph: KnowledgeGraph, dangling: int, *, as_json: bool) -> None:
    from dataclasses import asdict

    from kg.graph import graph_statistics

    found = graph_statistics(graph)
    if as_json:
        print_json({**asdict(found), "dangling": dangling})
    else:
        print_rich(*_statistics_tables(found, dangling))


def _statistics_tables(found: GraphStatistics, dangling: int) -> list[Any]:
    nodes = _table(f"Nodes of {found.name}", "kind", "role", "nodes", "no label", "no text", "isolated")
    for kind in found.nodes:
        _row(nodes, kind.kind, kind.role, kind.nodes, kind.without_label, kind.without_text, kind.isolated)
    relations = _table("Relations", "relation", "from", "to", "edges", "per head", "per tail")
    for relation in found.relations:
        spreads = (f"{spread.mean:.1f} (max {spread.maximum:,})" for spread in (relation.per_head, relation.per_tail))
        _row(relations, relation.name, relation.head, relation.tail, relation.edges, *spreads)
    events = _table(
        "Interactions", "kind", "events", "positive", "users", "items", "a user (median)", "an item (median)"
    )
    for kind in found.interactions:
        medians = (kind.per_user.median, kind.per_item.median)
        _row(
            events, kind.kind, kind.events, kind.positive, kind.users, kind.items, *(f"{value:g}" for value in medians)
        )
    components, facts = found.components, found.facts_per_item
    without = one_line(", ".join(found.items_without_facts_examples))
    examples = f" (such as {without})" if found.items_without_facts else ""
    return [
        nodes,
        relations,
        events,
        f"Components: {components.count:,}; the largest has {components.largest:,} nodes, of which "
        f"{components.items_in_largest:,} items; {components.isolated:,} nodes have no edges",
        f"Facts per item: median {facts.median:g}, mean {facts.mean:.1f}, at most {facts.maximum:,}",
        f"Items without facts: {found.items_without_facts:,}{examples}; without events: {found.items_without_events:,}",
        f"Edges and events with an end missing: {dangling:,}",
    ]


def _show(graph: KnowledgeGraph, name: str, limit: int, *, as_json: bool) -> None:
    node = _node(graph, name)
    kind, key, label = graph.node_of(node)
    fields = graph.fields_of(node)
    relations = _neighbours(graph, node, limit)
    if as_json:
        print_json({"kind": kind, "key": key, "label": label, "fields": fields, "relations": relations})
        return
    parts: list[Any] = [one_line(f"{label or key}  ({kind}:{key})")]
    if fields:
        table = _table("Fields", "field", "value")
        for field, value in fields.items():
            _row(table, field, str(value))
        parts.append(table)
    for relation in relations:
        title = f"{relation['label']}: {relation['count']:,}"
        table = _table(title, "kind", "key", "label")
        for neighbour in relation["neighbours"]:
            _row(table, neighbour["kind"], neighbour["key"], neighbour["label"])
        parts.append(table)
    print_rich(*parts)


def _neighbours(graph: KnowledgeGraph, node: int, limit: int) -> list[dict[str, Any]]:
    """The node's relations in both directions, each with its count and at most `limit` neighbours."""
    from kg.graph import neighbours

    shown = []
    for found in neighbours(graph, node):
        relation, table = found.relation, graph.nodes(found.kind)
        if relation.hidden:
            continue
        inverse = graph.schema.relation_kinds[relation.name].inverse or f"← {relation.label}"
        shown.append(
            {
                "name": relation.name,
                "label": relation.label if found.forward else inverse,
                "count": len(found.rows),
                "neighbours": [
                    {"kind": found.kind, "key": table.keys[row], "label": table.labels[row]}
                    for row in found.rows[:limit].tolist()
                ],
            }
        )
    return shown


def _paths(store: GraphStore, graph: KnowledgeGraph, arguments: argparse.Namespace) -> None:
    from kg.graph import Role
    from kg.paths import list_paths
    from kg.stores import FindsPaths

    start, end = (graph.node_of(_node(graph, name))[:2] for name in (arguments.start, arguments.end))
    search = store.paths if isinstance(store, FindsPaths) else partial(list_paths, graph)
    found = search(
        start, end, max_edges=arguments.max_edges, limit=arguments.limit, interactions=arguments.interactions
    )
    if arguments.json:
        users = {kind for kind, spec in graph.schema.nodes.items() if spec.role is Role.USER}
        paths = [
            {
                "text": str(path),
                "nodes": [
                    # Other users count, but are never named.
                    {"kind": node.kind}
                    | ({} if node.kind in users and (node.kind, node.key) not in (start, end) else {"key": node.key})
                    | {"label": node.label}
                    for node in path.nodes
                ],
                "relations": list(path.relations),
            }
            for path in found
        ]
        print_json({"paths": paths, "complete": found.complete})
        return
    for path in found:
        print(one_line(str(path)))
    edges = f"{arguments.max_edges} {'edge' if arguments.max_edges == 1 else 'edges'}"
    if len(found) == arguments.limit:
        remark(f"there may be more, of up to {edges}; --limit shows more than {arguments.limit}")
    elif not found.complete:
        remark(f"not all lengths up to {edges} could be searched: the nodes are too well connected; --max-edges limits")
    elif not found:
        hint = "" if arguments.interactions else "; --interactions also follows positive events"
        remark(f"no path of at most {edges}{hint}")


def _export(graph: KnowledgeGraph, arguments: argparse.Namespace) -> None:
    from pathlib import Path

    from whypath.io.graph_export import write_graph

    around = None if arguments.around is None else _node(graph, arguments.around)
    written = write_graph(
        graph, Path(arguments.out), around=around, depth=arguments.depth, interactions=arguments.interactions
    )
    remark(f"{arguments.out}: {written.nodes:,} nodes, {written.edges:,} edges")


def _node(graph: KnowledgeGraph, name: str) -> int:
    """Return the global id of KIND:KEY, or of an item's id. Raises UnknownNode or UnknownItem."""
    kind, colon, key = name.partition(":")
    if colon and kind in graph.kinds:
        return graph.shown_node_id(kind, key)
    return graph.item_index(name)


def _table(title: str, *columns: str) -> Table:
    from rich.table import Table

    from whypath.answering.rendering import cell

    table = Table(title=cell(title, style="table.title"), title_justify="left", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column)
    return table


def _row(table: Table, *values: str | int) -> None:
    from whypath.answering.rendering import cell

    table.add_row(*(cell(f"{value:,}" if isinstance(value, int) else value) for value in values))
