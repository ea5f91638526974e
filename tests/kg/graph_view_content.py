"""The domain of `whypath.testing.stores.domain` as an external graph: other labels and keys, made by plain Cypher."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, LiteralString, cast

from kg.rows import EdgeRow, Event, NodeRow
from kg.schema import DomainSchema
from tests.neo4j_server import Server
from whypath.testing.stores.domain import films_schema

LABELS = {
    "film": "Movie:Work",
    "series": "Show:Work",
    "person": "Human",
    "genre": "`Kind of work`",
    "city": "City",
    "viewer": "Account",
}
TYPES = {
    "director": "DIRECTED",
    "genre": "`is a`",
    "sequel": "FOLLOWED_BY",
    "lives": "LIVES_IN",
    "rating": "RATED",
    "view": "SAW",
}


def description(uri: str, **graph: Any) -> dict[str, Any]:
    """`domain.yaml` over the graph, as plain data; the same domain as `films_schema`."""
    files = films_schema().model_dump(mode="json", exclude_defaults=True)
    nodes: dict[str, Any] = {}
    for kind, label in LABELS.items():
        node = {name: value for name, value in files["nodes"][kind].items() if name != "source"}
        labels = [each.strip("`") for each in label.split(":")]
        nodes[kind] = {**node, "labels": labels, "key": "code", "label": "called", "text": ["blurb"]}
    relations: dict[str, Any] = {}
    for name, relation in files["relations"].items():
        rest = {key: value for key, value in relation.items() if key not in ("source", "columns")}
        # Persons point at what they directed.
        direction = {"direction": "in"} if name == "director" else {}
        relations[name] = {**rest, "relationship": {"type": TYPES[name].strip("`"), **direction}}
    columns = {"time": "at", "weight": "stars", "id": "uuid"}
    interactions = {
        "rating": {"items": "film", "positive": {"min_weight": 3}, "relationship": "RATED", "columns": columns},
        "view": {
            "items": ["film", "series"],
            "label": "watched",
            "path": {"first": "OPENED", "node": "Session", "last": {"type": "SHOWED", "direction": "in"}},
            "columns": {"time": "node.at", "weight": "last.stars", "id": "last.uuid"},
        },
    }
    return {
        "name": "films",
        "graph": {"uri": uri, "refresh": 0, **graph},
        "nodes": nodes,
        "relations": relations,
        "interactions": interactions,
    }


def write_description(folder: Path, uri: str, **graph: Any) -> Path:
    """The description in a file."""
    path = folder / "domain.yaml"
    path.write_text(DomainSchema.from_mapping(description(uri, **graph)).to_yaml(), encoding="utf-8")
    return path


def write_content(server: Server, nodes: Sequence[NodeRow], edges: Iterable[EdgeRow], events: Sequence[Event]) -> None:
    """The content in place of whatever the graph holds."""
    server.empty()
    known = {(node.kind, node.key) for node in nodes}
    bare = [NodeRow("viewer", user, user) for user in dict.fromkeys(e.user for e in events)]
    with server.driver() as driver, driver.session() as session:

        def run(text: str, **parameters: Any) -> None:
            session.run(cast(LiteralString, text), parameters).consume()

        for row in [*nodes, *(row for row in bare if (row.kind, row.key) not in known)]:
            properties = {
                "code": row.key,
                "called": row.label,
                **row.fields,
                **({"blurb": row.text} if row.text else {}),
            }
            run(f"CREATE (n:{LABELS[row.kind]}) SET n = $properties", properties=properties)
        for edge in edges:
            name = edge.relation.partition(".")[0]
            relation = films_schema().relation_kinds[edge.relation]
            head, tail = (f"({v}:{LABELS[k]} {{code: ${v}}})" for v, k in (("h", relation.head), ("t", relation.tail)))
            arrow = f"(h)<-[:{TYPES[name]}]-(t)" if name == "director" else f"(h)-[:{TYPES[name]}]->(t)"
            run(f"MATCH {head}, {tail} CREATE {arrow}", h=edge.head, t=edge.tail)
        for event in events:
            ends = f"MATCH (u:Account {{code: $user}}), (i:{LABELS[event.item_kind]} {{code: $item}})"
            made = (
                "(u)-[:RATED {at: $time, stars: $weight, uuid: $id}]->(i)"
                if event.kind == "rating"
                else "(u)-[:OPENED]->(:Session {at: $time})<-[:SHOWED {stars: $weight, uuid: $id}]-(i)"
            )
            values = {
                "user": event.user,
                "item": event.item,
                "time": event.time,
                "weight": event.weight,
                "id": event.id,
            }
            run(f"{ends} CREATE {made}", **values)
