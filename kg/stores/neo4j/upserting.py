"""Upsert a few rows by their own load in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from neo4j import ManagedTransaction

from kg.rows import NodeRow, RowLinks
from kg.schema import DomainSchema
from kg.stores.errors import SchemaMismatch, StoreLocked
from kg.stores.neo4j.connection import Connection
from kg.stores.neo4j.loading import Neo4jLoad
from kg.stores.neo4j.state import set_state, take_turn, write_mark
from kg.stores.protocol import UpsertReport
from kg.stores.upserting import load_in_the_way, other_schema, upserted


def upsert(
    transaction: ManagedTransaction,
    connection: Connection,
    schema: DomainSchema,
    nodes: Sequence[NodeRow],
    links: Mapping[str, Sequence[RowLinks]],
) -> UpsertReport:
    """See `GraphStore.upsert`. Repeated after a lost answer to its commit, it finds its rows."""
    place, text = connection.address.url, schema.to_json()
    counters, mark = take_turn(transaction)
    if mark is not None:
        raise StoreLocked(load_in_the_way(place, mark.by, is_alive=mark.alive))
    if counters.schema != text:
        raise SchemaMismatch(other_schema(place))
    load = counters.last_load + 1
    set_state(transaction, last_load=load, batch=0)
    write_mark(transaction, source_digest="", replace=False, schema=text, changed=False)
    with Neo4jLoad(connection, schema, load, replace=False, transaction=transaction) as writer:
        return upserted(writer, nodes, links)
