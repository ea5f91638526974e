"""Remove a user's data that WhyPath has written into an external graph, with a count that proves it."""

from __future__ import annotations

from dataclasses import dataclass

from neo4j import ManagedTransaction

from kg.graph_view.numbers import elements_of
from kg.graph_view.own_names import OWN_TYPE, OWN_TYPES, RESULTS
from kg.graph_view.patterns import token
from kg.schema import DomainSchema
from kg.stores.neo4j.connection import first


@dataclass(frozen=True, slots=True)
class Deleted:
    """Relationships of WhyPath's own types that were removed, and that remain; `nodes` with the user's key."""

    events: int = 0
    recommendations: int = 0
    remaining: int = 0
    nodes: int = 0


def delete_own(transaction: ManagedTransaction, schema: DomainSchema, user: str) -> Deleted:
    """Remove WhyPath's own relationships of a user; nothing else is touched."""
    # Of all nodes with the key: one node may have had it when they were written, and several have it now.
    by_key = elements_of(transaction, schema, schema.user_kinds[0], [user], all_labelled=True)
    ids = [element for elements in by_key.values() for element in elements]

    def counted(types: str, rest: str) -> int:
        text = f"UNWIND $ids AS element MATCH (u)-[r:{types}]->() WHERE elementId(u) = element {rest} RETURN count(r)"
        return first(transaction, text, ids=ids)[0]

    events = counted(token(OWN_TYPE), "DELETE r")
    recommendations = counted(token(RESULTS.recommended), "DELETE r")
    return Deleted(events, recommendations, counted("|".join(map(token, sorted(OWN_TYPES))), ""), len(ids))
