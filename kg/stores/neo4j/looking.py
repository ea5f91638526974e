"""Looking around in the database: the neighbours of a node, and counts of all rows."""

from __future__ import annotations

from collections.abc import Sequence

from neo4j import ManagedTransaction

from kg.graph import UnknownNode
from kg.schema import DomainSchema
from kg.stores.neo4j.answers import texts
from kg.stores.neo4j.connection import first, rows
from kg.stores.neo4j.names import Names
from kg.stores.protocol import Neighbour, StoreCounts


def neighbours_of(
    transaction: ManagedTransaction, schema: DomainSchema, names: Names, kind: str, key: str, limit: int
) -> Sequence[Neighbour]:
    """See `GraphStore.neighbours`."""
    node = f"MATCH (n:{names.label(kind)} {{key: $key}})"
    if not first(transaction, f"{node} RETURN count(n)", key=key)[0]:
        raise UnknownNode(f"there is no {kind} {key!r} in the store")
    found: list[Neighbour] = []
    for name, relation in sorted(schema.relation_kinds.items()):
        for forward, own, other in ((True, relation.head, relation.tail), (False, relation.tail, relation.head)):
            if own != kind or len(found) >= limit:
                continue
            edge = f"-[:{names.relation(relation)}]-"
            pattern = f"(n){edge}>(o:{names.label(other)})" if forward else f"(n)<{edge}(o:{names.label(other)})"
            text = f"{node} MATCH {pattern} RETURN DISTINCT o.key, o.name ORDER BY o.key LIMIT $rest"
            pairs = rows(transaction, text, key=key, rest=limit - len(found))
            found.extend(Neighbour(name, forward, other, *texts(pair, f"a neighbour by {name!r}")) for pair in pairs)
    if kind in schema.user_kinds:
        for name in sorted(schema.interactions):
            text = (
                f"{node} MATCH (n)-[:{names.interaction(name)}]->(o)"
                " RETURN DISTINCT labels(o), o.key, o.name ORDER BY o.key LIMIT $rest"
            )
            items = rows(transaction, text, key=key, rest=max(limit - len(found), 0))
            for labels, *pair in items:
                found.append(Neighbour(name, True, names.kind_of(labels) or "", *texts(pair, f"an item of {name!r}")))
    return found


def count_rows(transaction: ManagedTransaction, schema: DomainSchema, names: Names) -> StoreCounts:
    """See `GraphStore.counts`. Relationships whose ends have other labels than the domain says are dangling."""

    def counted(pattern: str) -> int:
        return first(transaction, f"MATCH {pattern} RETURN count(*)")[0]

    nodes = {kind: counted(f"(:{names.label(kind)})") for kind in sorted(schema.nodes)}
    edges: dict[str, int] = {}
    for name, relation in sorted(schema.relation_kinds.items()):
        ends = names.label(relation.head), names.label(relation.tail)
        edges[name] = counted(f"(:{ends[0]})-[:{names.relation(relation)}]->(:{ends[1]})")
    events: dict[str, int] = {}
    user = names.label(schema.user_kinds[0])
    for name, interaction in sorted(schema.interactions.items()):
        events[name] = sum(
            counted(f"(:{user})-[:{names.interaction(name)}]->(:{names.label(item)})") for item in interaction.items
        )
    types = {names.relation(relation) for relation in schema.relation_kinds.values()}
    types |= {names.interaction(name) for name in schema.interactions}
    everything = sum(counted(f"()-[:{spelling}]->()") for spelling in types)
    return StoreCounts(nodes, edges, events, everything - sum(edges.values()) - sum(events.values()))
