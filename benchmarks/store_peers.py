"""Run the peers of `benchmarks.store`: the server's LOAD CSV, its importer, and reading bare columns.

They load the same content: every node with key, name, text and fields, every relationship, every event with id, time
and weight; without WhyPath's additions (a second label, `_id`, `_load`).
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString, cast

from neo4j import Driver, Session

from benchmarks.store_server import LocalServer
from kg.graph import KnowledgeGraph
from kg.schema import DomainSchema
from kg.stores.neo4j.names import Names, property_name, quoted

ROWS_OF_A_TRANSACTION = 10_000
"""Batch size of `CALL { } IN TRANSACTIONS`, as Neo4j's manual advises for LOAD CSV."""

_BLOCK = 512
"""Nodes whose rows are one record of a bare read."""

_CASTS = {"integer": "toInteger({})", "number": "toFloat({})", "boolean": "toBoolean({})"}
_IMPORT_TYPES = {"integer": ":long", "number": ":double", "boolean": ":boolean"}


@dataclass(frozen=True)
class Table:
    """Rows in a file without a header; `load` is what LOAD CSV does with `row`, `columns` the importer's header."""

    name: str
    rows: int
    load: str
    columns: tuple[str, ...]
    labels: str
    part: str
    """nodes, triples or events."""

    @property
    def file(self) -> str:
        return f"{self.name}.csv"


def write_tables(graph: KnowledgeGraph, folder: Path) -> list[Table]:
    """The content of a snapshot as CSV files."""
    names = Names().extended(graph.schema)
    tables = [_nodes(graph, names, kind, folder) for kind in graph.schema.nodes]
    tables += [_edges(graph, names, at, folder) for at in range(len(graph.relations))]
    tables += [_events(graph, names, at, item, folder) for at, item in _event_tables(graph)]
    return tables


def _event_tables(graph: KnowledgeGraph) -> Iterator[tuple[int, str]]:
    for at, table in enumerate(graph.events):
        for item in graph.schema.interactions[table.kind].items:
            yield at, item


def _nodes(graph: KnowledgeGraph, names: Names, kind: str, folder: Path) -> Table:
    table, spec = graph.nodes(kind), graph.schema.nodes[kind]
    fields = sorted(spec.fields)
    columns = [table.keys, table.labels, table.texts, *([_plain(v) for v in _values(table, name)] for name in fields)]
    _write(folder / f"node_{kind}.csv", zip(*columns, strict=True))
    label = names.label(kind)
    sets = ["n.name = row[1]", "n.text = row[2]"]
    header = [f"key:ID({names.labels[kind]})", "name", "text"]
    for at, name in enumerate(fields, 3):
        type_of = str(spec.fields[name].type)
        sets.append(f"n.{quoted(property_name(name))} = {_CASTS.get(type_of, '{}').format(f'row[{at}]')}")
        header.append(property_name(name) + _IMPORT_TYPES.get(type_of, ""))
    load = f"MERGE (n:{label} {{key: row[0]}}) SET {', '.join(sets)}"
    return Table(f"node_{kind}", len(table), load, tuple(header), names.labels[kind], "nodes")


def _edges(graph: KnowledgeGraph, names: Names, at: int, folder: Path) -> Table:
    relation = graph.relations[at]
    spec = graph.schema.relation_kinds[relation.name]
    heads, tails = graph.nodes(relation.head_kind).keys.to_list(), graph.nodes(relation.tail_kind).keys.to_list()
    bounds, ends = relation.forward.indptr.tolist(), relation.forward.indices.tolist()
    rows = ((head, tails[end]) for row, head in enumerate(heads) for end in ends[bounds[row] : bounds[row + 1]])
    _write(folder / f"edge_{at}.csv", rows)
    load = (
        f"MATCH (h:{names.label(spec.head)} {{key: row[0]}}) MATCH (t:{names.label(spec.tail)} {{key: row[1]}})"
        f" MERGE (h)-[:{names.relation(spec)}]->(t)"
    )
    header = (f":START_ID({names.labels[spec.head]})", f":END_ID({names.labels[spec.tail]})")
    return Table(f"edge_{at}", len(ends), load, header, names.relation(spec).strip("`"), "triples")


def _events(graph: KnowledgeGraph, names: Names, at: int, item_kind: str, folder: Path) -> Table:
    table = graph.events[at]
    user_kind = graph.schema.user_kinds[0]
    users, items = graph.nodes(user_kind).keys.to_list(), graph.nodes(item_kind).keys.to_list()
    first = graph.offsets[item_kind]
    rows = [
        (users[user], items[item - first], event_id, _plain(when), _plain(weight))
        for user, item, event_id, when, weight in zip(
            table.users.tolist(),
            table.items.tolist(),
            table.ids,
            table.times.tolist(),
            table.weights.tolist(),
            strict=True,
        )
        if 0 <= item - first < len(items)
    ]
    _write(folder / f"event_{at}_{item_kind}.csv", rows)
    user, item, spelling = names.label(user_kind), names.label(item_kind), names.interaction(table.kind)
    load = (
        f"MATCH (u:{user} {{key: row[0]}}) MATCH (i:{item} {{key: row[1]}})"
        f" MERGE (u)-[r:{spelling} {{id: row[2]}}]->(i) SET r.time = toFloat(row[3]),"
        " r.weight = toFloat(row[4])"
    )
    header = (
        f":START_ID({names.labels[user_kind]})",
        f":END_ID({names.labels[item_kind]})",
        "id",
        "time:double",
        "weight:double",
    )
    return Table(f"event_{at}_{item_kind}", len(rows), load, header, spelling.strip("`"), "events")


def _values(table: Any, name: str) -> Sequence[Any]:
    return list(table.fields[name])


def _plain(value: Any) -> Any:
    """The text of a CSV cell; empty for a missing value."""
    return "" if value is None or value != value else value


def _write(path: Path, rows: Any) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def create_constraints(driver: Driver, schema: DomainSchema) -> None:
    """Make the constraints that both ways of loading start from: keys unique in a kind, event ids in an interaction."""
    names = Names().extended(schema)
    with driver.session() as session:
        for kind in schema.nodes:
            _run(session, f"CREATE CONSTRAINT IF NOT EXISTS FOR (n:{names.label(kind)}) REQUIRE n.key IS UNIQUE")
        for kind in schema.interactions:
            _run(
                session,
                f"CREATE CONSTRAINT IF NOT EXISTS FOR ()-[r:{names.interaction(kind)}]-() REQUIRE r.id IS UNIQUE",
            )
        _run(session, "CALL db.awaitIndexes(300)")


def load_csv(server: LocalServer, tables: Sequence[Table]) -> dict[str, float]:
    """Seconds for each table; the files are in the server's import folder."""
    seconds = {}
    with server.driver() as driver, driver.session() as session:
        for table in tables:
            started = time.perf_counter()
            _run(
                session,
                f"LOAD CSV FROM 'file:///{table.file}' AS row CALL (row) {{ {table.load} }}"
                f" IN TRANSACTIONS OF {ROWS_OF_A_TRANSACTION} ROWS",
            )
            seconds[table.name] = time.perf_counter() - started
    return seconds


def import_tables(server: LocalServer, tables: Sequence[Table], folder: Path) -> float:
    """Seconds that the importer takes for the tables in a folder; the server has been stopped."""
    given = []
    for table in tables:
        header = folder / f"{table.name}.header.csv"
        header.write_text(",".join(table.columns) + "\n", encoding="utf-8")
        option = "nodes" if table.part == "nodes" else "relationships"
        given.append(f"--{option}={table.labels}={header},{folder / table.file}")
    started = time.perf_counter()
    server.administer("database", "import", "full", "neo4j", "--overwrite-destination", *given)
    return time.perf_counter() - started


def read_columns(session: Session, schema: DomainSchema, *, ends: str = "_id") -> int:
    """Read every value that a snapshot has, in blocks of columns, with one query per kind, relation and interaction,
    and discard it. Returns the number of rows. `ends`: the property that identifies the end of a relationship:
    WhyPath's number, or the key, as in an external graph."""
    names = Names().extended(schema)
    queries = [_columns_of_nodes(names, schema, kind) for kind in schema.nodes]
    for relation in schema.relation_kinds.values():
        pattern = f"(a:{names.label(relation.head)})-[:{names.relation(relation)}]->(b:{names.label(relation.tail)})"
        columns = f"collect(a.{ends}) AS c0, collect(b.{ends}) AS c1"
        queries.append(f"MATCH {pattern} WITH a._id / {_BLOCK} AS block, {columns}")
    user = names.label(schema.user_kinds[0])
    for kind, interaction in schema.interactions.items():
        for item in interaction.items:
            queries.append(
                f"MATCH (a:{user})-[r:{names.interaction(kind)}]->(b:{names.label(item)})"
                f" WITH a._id / {_BLOCK} AS block,"
                f" collect(a.{ends}) AS c0, collect(b.{ends}) AS c1, collect(r.id) AS c2,"
                " collect(coalesce(r.time, $nan)) AS c3, collect(coalesce(r.weight, $nan)) AS c4"
            )
    rows = 0
    for query in queries:
        columns = ", ".join(f"c{at}" for at in range(query.count("collect(")))
        text = f"{query} RETURN {columns}"
        for record in session.run(cast(LiteralString, text), nan=float("nan")):
            rows += len(record[0])
    return rows


def _columns_of_nodes(names: Names, schema: DomainSchema, kind: str) -> str:
    values = ["a._id", "a.key", "a.name", "coalesce(a.text, '')"]
    values += [f"coalesce(a.{quoted(property_name(field))}, '')" for field in sorted(schema.nodes[kind].fields)]
    columns = ", ".join(f"collect({value}) AS c{at}" for at, value in enumerate(values))
    return f"MATCH (a:{names.label(kind)}) WITH a._id / {_BLOCK} AS block, {columns}"


def _run(session: Session, text: str, **parameters: Any) -> list[list[Any]]:
    return session.run(cast(LiteralString, text), parameters).values()
