"""Detect changes of a graph by counts of labels and relationship types, which the server returns at once.

They do not show a change that leaves all counts equal (a property, one relationship replaced by another); an explicit
read does.
"""

from __future__ import annotations

from neo4j import ManagedTransaction

from kg.graph_view.patterns import token
from kg.schema import DomainSchema
from kg.stores.neo4j.connection import rows


def counts_of(transaction: ManagedTransaction, schema: DomainSchema) -> dict[str, int]:
    """Number of nodes by label and of relationships by type, for all that the description names; one query."""
    labels: set[str] = set()
    types = {relation.relationship.type for relation in schema.relations.values() if relation.relationship}
    for node in schema.nodes.values():
        labels.update(node.labels)
    for interaction in schema.interactions.values():
        if interaction.relationship is not None:
            types.add(interaction.relationship.type)
        if interaction.path is not None:
            labels.update(interaction.path.node)
            types |= {interaction.path.first.type, interaction.path.last.type}
    parts = [f"MATCH (n:{token(label)}) RETURN count(n) AS count" for label in sorted(labels)]
    parts += [f"MATCH ()-[r:{token(type_)}]->() RETURN count(r) AS count" for type_ in sorted(types)]
    names = [*(f"(:{label})" for label in sorted(labels)), *(f"[:{type_}]" for type_ in sorted(types))]
    if not parts:
        return {}
    # UNION ALL promises no order, so each part has its number.
    numbered = [f"{part}, {at} AS part" for at, part in enumerate(parts)]
    counts = {at: count for count, at in rows(transaction, " UNION ALL ".join(numbered))}
    return {name: counts.get(at, 0) for at, name in enumerate(names)}
