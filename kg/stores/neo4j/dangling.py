"""Count relationships of the domain's types with ends of other kinds, which other programs have created."""

from __future__ import annotations

from neo4j import ManagedTransaction

from kg.schema import DomainSchema
from kg.stores.neo4j.connection import first
from kg.stores.neo4j.names import Names


def count_dangling(transaction: ManagedTransaction, schema: DomainSchema, names: Names) -> int:
    """Number of relationships whose ends have other labels than the domain requires; a snapshot leaves them out."""

    def counted(pattern: str) -> int:
        return first(transaction, f"MATCH {pattern} RETURN count(*)")[0]

    user = names.label(schema.user_kinds[0])
    fitting = [
        (names.relation(relation), names.label(relation.head), names.label(relation.tail))
        for relation in schema.relation_kinds.values()
    ]
    fitting += [
        (names.interaction(name), user, names.label(item))
        for name, interaction in schema.interactions.items()
        for item in interaction.items
    ]
    everything = sum(counted(f"()-[:{spelling}]->()") for spelling in {spelling for spelling, _, _ in fitting})
    return everything - sum(counted(f"(:{head})-[:{spelling}]->(:{tail})") for spelling, head, tail in fitting)
