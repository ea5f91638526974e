"""Write relationships between nodes: those that a file of relations names, and all that a row of their head gives.

`_load` is the last replacing load that named a relationship; other loads omit the property, which would be the only one
of most. `_filed` is on those of a file of relations where rows of the head give the same relation.
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
) -> tuple[int, int, list[tuple[str, str]]]:
    """Write (head, tail) of a relation: how many have both ends, how many did not exist, and pairs that include these.

    `filed`: whether a file names them; None if not needed.
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
    parts = slices(sorted(pairs))
    sent = [send(transaction, text, groups=grouped(part), load=load) for part in parts]
    written = new = 0
    touched: list[tuple[str, str]] = []
    for part, result in zip(parts, sent, strict=True):
        written += result.single(strict=True)[0]
        created = result.consume().counters.relationships_created
        new += created
        touched += part if created else ()
    return written, new, touched


def remove_unsaid(
    transaction: ManagedTransaction, names: Names, spec: RelationKind, links: Sequence[tuple[str, Sequence[str]]]
) -> list[tuple[str, str]]:
    """Remove the relationships of heads that their rows no longer give, except those of a file; return (head, tail) of
    each. Each row is a head with all tails that it gives.
    """
    text = (
        f"UNWIND $rows AS row {by_key(names.label(spec.head), 'h', 'row[0]')}"
        f" MATCH (h)-[r:{names.relation(spec)}]->(t:{names.label(spec.tail)})"
        " WHERE r._filed IS NULL AND NOT t.key IN row[1] WITH r, h.key AS head, t.key AS tail"
        " DELETE r RETURN collect([head, tail])"
    )
    sent = [send(transaction, text, rows=[list(row) for row in part]) for part in slices(links)]
    return [(head, tail) for result in sent for head, tail in result.single(strict=True)[0]]
