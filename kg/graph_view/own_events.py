"""Write recorded events into an external graph under `write: true`, as relationships of WhyPath's own type.

They join existing nodes; no node is created. A uniqueness constraint on that type makes sure that an id is written
once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from neo4j import ManagedTransaction

from kg.graph_view.numbers import elements_of
from kg.graph_view.own_names import OWN_CONSTRAINT, OWN_TYPE
from kg.graph_view.patterns import token
from kg.rows import Event
from kg.schema import DomainSchema
from kg.stores.neo4j.connection import Connection, rows
from kg.stores.neo4j.nodes import too_long_to_index


class OwnEvents:
    """The relationships of WhyPath's own type in one graph."""

    def __init__(self, connection: Connection, schema: DomainSchema) -> None:
        self._connection = connection
        self._schema = schema

    def write(self, events: Sequence[Event]) -> dict[int, str]:
        """Write the events whose user and item are nodes of the graph, durably; return row -> reason of refused ones.

        An event whose user is no node, or several, is skipped: it is kept in the log alone.
        """
        self._constrain()
        return self._connection.write(lambda transaction: self._write(transaction, events))

    def _constrain(self) -> None:
        name, kind = token(OWN_CONSTRAINT), token(OWN_TYPE)
        exists = self._connection.read(
            lambda transaction: rows(
                transaction,
                "SHOW CONSTRAINTS YIELD type, labelsOrTypes, properties"
                " WHERE type = 'RELATIONSHIP_UNIQUENESS' AND labelsOrTypes = [$type] AND properties = ['id']"
                " RETURN count(*)",
                type=OWN_TYPE,
            )
        )[0][0]
        if not exists:
            text = f"CREATE CONSTRAINT {name} IF NOT EXISTS FOR ()-[r:{kind}]-() REQUIRE r.id IS UNIQUE"
            self._connection.write(lambda transaction: rows(transaction, text))

    def _write(self, transaction: ManagedTransaction, events: Sequence[Event]) -> dict[int, str]:
        existing = self._by_id(transaction, [event.id for event in events])
        users = self._elements(transaction, self._schema.user_kinds[0], {event.user for event in events})
        items = {
            kind: self._elements(transaction, kind, {event.item for event in events if event.item_kind == kind})
            for kind in {event.item_kind for event in events}
        }
        refused: dict[int, str] = {}
        new: dict[str, list[Any]] = {}
        for row, event in enumerate(events):
            user, item = users.get(event.user), items[event.item_kind].get(event.item)
            if user is None or item is None or too_long_to_index(event.id):
                continue
            content = [user, item, event.kind, event.time, event.weight]
            if existing.setdefault(event.id, content) != content:
                refused[row] = f"an event with the id {event.id!r} and other content is there already"
            elif existing[event.id] is content:
                new[event.id] = [event.id, *content]
        # Sorted by their ends, so that concurrent writers lock nodes in the same order.
        values = sorted(new.values(), key=lambda row_values: (row_values[2], row_values[1]))
        rows(
            transaction,
            "UNWIND $rows AS row MATCH (u) WHERE elementId(u) = row[1] MATCH (i) WHERE elementId(i) = row[2]"
            f" CREATE (u)-[:{token(OWN_TYPE)} {{id: row[0], kind: row[3], time: row[4], weight: row[5]}}]->(i)",
            rows=values,
        )
        return refused

    def _by_id(self, transaction: ManagedTransaction, ids: Sequence[str]) -> dict[str, list[Any]]:
        records = rows(
            transaction,
            f"UNWIND $ids AS id MATCH (u)-[r:{token(OWN_TYPE)} {{id: id}}]->(i)"
            " RETURN id, elementId(u), elementId(i), r.kind, r.time, r.weight",
            ids=list(dict.fromkeys(ids)),
        )
        return {id: content for id, *content in records}

    def _elements(self, transaction: ManagedTransaction, kind: str, keys: Iterable[str]) -> dict[str, str]:
        """Element ids of nodes by key, for keys that exactly one node has."""
        element_ids = elements_of(transaction, self._schema, kind, keys)
        return {key: elements[0] for key, elements in element_ids.items() if len(elements) == 1}
