"""The contents of items that encoders read, by name: their texts, and where their images are."""

from __future__ import annotations

from kg.graph.snapshot import KnowledgeGraph


def item_contents(graph: KnowledgeGraph, name: str) -> list[str]:
    """A content of all items [n_items], "" where an item has none: "text", or "image" (a path or URL, as loaded)."""
    if name == "text":
        return graph.item_texts.to_list()
    if name != "image":
        raise ValueError(f"items have no content {name!r}")
    contents: list[str] = []
    for kind in graph.schema.item_kinds:
        field, table = graph.schema.nodes[kind].image_field, graph.nodes(kind)
        column = None if field is None else table.fields[field]
        contents += [""] * len(table) if column is None else [str(column[row] or "") for row in range(len(table))]
    return contents
