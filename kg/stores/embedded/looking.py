"""Looking around in the tables: the neighbours of a node, and counts of all rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from kg.graph import UnknownNode
from kg.schema import DomainSchema
from kg.stores.embedded.state import names_of
from kg.stores.protocol import Neighbour, StoreCounts
from kg.stores.sqlite import DamagedContent, checked, integer, text

_OTHER_END = (integer("node.kind"), text("node.key"), text("node.label"))


def neighbours_of(
    connection: sqlite3.Connection, schema: DomainSchema, kind: str, key: str, limit: int
) -> Sequence[Neighbour]:
    """See `GraphStore.neighbours`."""
    numbers = names_of(connection, schema)
    row = connection.execute("SELECT id FROM node WHERE kind = ? AND key = ?", (numbers[kind], key)).fetchone()
    if row is None:
        raise UnknownNode(f"there is no {kind} {key!r} in the store")
    found: list[Neighbour] = []
    for name, relation in sorted(schema.relation_kinds.items()):
        for forward, own, other in ((True, relation.head, relation.tail), (False, relation.tail, relation.head)):
            if own != kind:
                continue
            near, far = ("head", "tail") if forward else ("tail", "head")
            rows = connection.execute(
                f"SELECT node.kind, node.key, node.label FROM edge LEFT JOIN node ON node.id = edge.{far}"
                f" WHERE edge.relation = ? AND edge.{near} = ? ORDER BY node.key LIMIT ?",
                (numbers[name], row[0], max(limit - len(found), 0)),
            )
            for number, *pair in checked(rows, *_OTHER_END):
                if number != numbers[other]:
                    raise DamagedContent(f"an edge of {name!r} leads to a node that is no {other}")
                found.append(Neighbour(name, forward, other, *pair))
    if kind in schema.user_kinds:
        rows = connection.execute(
            "SELECT DISTINCT name.name, item_kind.name, node.key, node.label FROM event"
            " LEFT JOIN node ON node.id = event.item LEFT JOIN name ON name.id = event.kind"
            " LEFT JOIN name AS item_kind ON item_kind.id = node.kind"
            " WHERE event.user = ? ORDER BY name.name, node.key LIMIT ?",
            (row[0], max(limit - len(found), 0)),
        )
        columns = (text("kind of an event"), text("kind of the item of an event"), *_OTHER_END[1:])
        found.extend(Neighbour(name, True, *rest) for name, *rest in checked(rows, *columns))
    return found


def count_rows(connection: sqlite3.Connection, schema: DomainSchema) -> StoreCounts:
    """See `GraphStore.counts`; a count of 0 for what the schema knows and the store has no row of."""
    numbers = names_of(connection, schema)

    def counted(table: str, column: str, wanted: Sequence[str]) -> dict[str, int]:
        rows = dict(connection.execute(f"SELECT {column}, count(*) FROM {table} GROUP BY {column}").fetchall())
        return {name: rows.get(numbers[name], 0) for name in wanted}

    dangling = sum(
        connection.execute(f"SELECT count(*) FROM {table} WHERE {end} NOT IN (SELECT id FROM node)").fetchone()[0]
        for table, end in (("edge", "head"), ("edge", "tail"), ("event", "user"), ("event", "item"))
    )
    return StoreCounts(
        counted("node", "kind", sorted(schema.nodes)),
        counted("edge", "relation", sorted(schema.relation_kinds)),
        counted("event", "kind", sorted(schema.interactions)),
        dangling,
    )
