"""Relationships between nodes: those that a file of relations names, and all that a row of their head says.

`_load` is the last replacing load that named a relationship; other loads spare the property, which would be the only
one of most. `_filed` is on those of a file of relations where rows of the head say the same relation.
"""

from __future__ import annotations

from collections.abc import Sequence

from neo4j import ManagedTransaction

from kg.schema import RelationKind
from kg.stores.neo4j.batches import grouped, send, slices
from kg.stores.neo4j.names import Names
from kg.stores.neo4j.nodes import by_key


def merge_pairs(
    transaction: ManagedTransaction,
    names: Names,
    spec: RelationKind,
    pairs: Sequence[tuple[str, str]],
    *,
    load: int,
    replacing: bool,
    filed: bool | None,
) -> tuple[int, int]:
    """Write (head, tail) of a relation: how many have both ends, and how many were not there.

    `filed`: whether a file names them; None where that need not be known.
    """
    notes = ["r._load = $load"] if replacing else []
    if filed:
        notes.append("r._filed = true")
    elif replacing and filed is False:
        notes.append("r._filed = null")
    note = f"SET {', '.join(notes)}" if notes else ""
    text = (
        f"UNWIND $groups AS group {by_key(names.label(spec.head), 'h', 'group[0]')}"
        f" UNWIND group[1] AS tail {by_key(names.label(spec.tail), 't', 'tail')}"
        f" MERGE (h)-[r:{names.relation(spec)}]->(t)"
        f" {note} RETURN count(*)"
    )
    parts = (grouped(part) for part in slices(sorted(pairs)))
    sent = [send(transaction, text, groups=groups, load=load) for groups in parts]
    written = new = 0
    for result in sent:
        written += result.single(strict=True)[0]
        new += result.consume().counters.relationships_created
    return written, new


def remove_unsaid(
    transaction: ManagedTransaction, names: Names, spec: RelationKind, said: Sequence[tuple[str, Sequence[str]]]
) -> int:
    """Remove the relationships of heads that their rows do not say any more, but for those of a file; how many.

    `said` has for each head all the tails that its row says.
    """
    text = (
        f"UNWIND $rows AS row {by_key(names.label(spec.head), 'h', 'row[0]')}"
        f" MATCH (h)-[r:{names.relation(spec)}]->(t:{names.label(spec.tail)})"
        " WHERE r._filed IS NULL AND NOT t.key IN row[1] DELETE r"
    )
    sent = [send(transaction, text, rows=[list(row) for row in part]) for part in slices(said)]
    return sum(result.consume().counters.relationships_deleted for result in sent)
