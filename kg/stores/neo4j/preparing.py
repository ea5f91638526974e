"""Prepare a database for use as a store: find the store, create it in an empty one, add constraints after an import."""

from __future__ import annotations

import uuid

from kg.stores.errors import StoreDamaged, StoreNotFound
from kg.stores.neo4j.connection import Connection, first
from kg.stores.neo4j.layout import ensure_layout, ensure_store_constraint
from kg.stores.neo4j.state import FORMAT_VERSION, create_state, lacks_layout, read_state, set_state, stored_format


def prepared(connection: Connection, *, create: bool) -> str:
    """Id of the store in a database; the store is created on request."""
    url = connection.address.url
    version = connection.read(stored_format)
    if version is None:
        if not create:
            raise StoreNotFound(
                f"{url} holds no WhyPath store; `whypath load domain.yaml --store {url}` makes one in an empty database"
            )
        foreign = connection.read(lambda transaction: first(transaction, "MATCH (n) RETURN count(n)"))[0]
        if foreign:
            raise StoreNotFound(
                f"{url} holds a graph of {foreign:,} nodes that WhyPath has not made, and nothing is mixed into it;"
                " give an empty database"
            )
        ensure_store_constraint(connection)
        connection.write(lambda transaction: create_state(transaction, uuid.uuid4().hex))
        version = connection.read(stored_format)
    if version != FORMAT_VERSION:
        raise StoreDamaged(
            f"{url} has store format {version}, this version of WhyPath reads {FORMAT_VERSION};"
            " use the version that made it, or load the domain again into an empty database"
        )
    counters = connection.read(read_state)[0]
    if connection.read(lacks_layout):
        ensure_store_constraint(connection)
        ensure_layout(connection, counters.names)
        connection.write(lambda transaction: set_state(transaction, without_layout=None))
    return counters.id
