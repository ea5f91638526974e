"""Note changed rows as nodes `:WhyPathChange`, by the generation that the change leads to; see `kg.stores.changes`.

A node has the changes of one transaction: `generation`, `events_after` (the event generation before), `size` and
`rows`, JSON that is missing where everything has changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neo4j import ManagedTransaction

from kg.graph import FactChanges
from kg.rows import EdgeRow, NodeRow
from kg.schema import DomainSchema
from kg.stores.changes import ChangedRows, forgotten_up_to, joined, too_many
from kg.stores.neo4j.answers import texts, values_of_field
from kg.stores.neo4j.connection import first, rows
from kg.stores.neo4j.names import CHANGE_LABEL, Names, property_name
from kg.stores.neo4j.nodes import by_key, nodes_by_key
from kg.stores.neo4j.state import Counters


def note_change(
    transaction: ManagedTransaction,
    counters: Counters,
    changes: dict[str, Any],
    changed_rows: Callable[[], ChangedRows] | None,
) -> None:
    """Note in the mark of the load (`changes` are properties of the store's node) that the rows differ from the last
    complete generation's, and what has changed; with None, everything.
    """
    changes["mark_changed"] = True
    if not counters.generation:
        return  # no earlier snapshot exists
    generation = counters.generation + 1
    size, notes, listed = first(
        transaction,
        f"MATCH (c:{CHANGE_LABEL} {{generation: $generation}}) RETURN sum(c.size), count(c), count(c.rows)",
        generation=generation,
    )
    if notes > listed:
        return
    changed = ChangedRows() if changed_rows is None else changed_rows()
    if changed_rows is None or too_many(size + len(changed)):
        note_everything(transaction, generation)
    elif changed or not notes:
        note = {"generation": generation, "events_after": counters.event_generation, "size": len(changed)}
        _create(transaction, {**note, "rows": changed.to_json()})


def note_everything(transaction: ManagedTransaction, generation: int) -> None:
    """Note that a generation has changed everything."""
    text = f"MATCH (c:{CHANGE_LABEL} {{generation: $generation}}) DELETE c RETURN count(c)"
    first(transaction, text, generation=generation)
    _create(transaction, {"generation": generation, "events_after": 0, "size": 0})


def forget_all(transaction: ManagedTransaction) -> None:
    """Remove all notes: any may name a deleted user."""
    first(transaction, f"MATCH (c:{CHANGE_LABEL}) DELETE c RETURN count(c)")


def forget_old(transaction: ManagedTransaction, generation: int) -> None:
    """Remove the notes of generations that are too old."""
    sizes = rows(transaction, f"MATCH (c:{CHANGE_LABEL}) RETURN c.generation, sum(c.size)")
    upto = forgotten_up_to(generation, [(noted, size) for noted, size in sizes])
    text = f"MATCH (c:{CHANGE_LABEL}) WHERE c.generation <= $upto DELETE c RETURN count(c)"
    first(transaction, text, upto=upto)


def facts_since(
    transaction: ManagedTransaction, counters: Counters, schema: DomainSchema, generation: int
) -> FactChanges | None:
    """See `GraphStore.facts_since`; the caller makes sure that no load intervenes."""
    if generation == counters.generation:
        return FactChanges(generation, counters.event_generation)
    text = f"MATCH (c:{CHANGE_LABEL}) WHERE c.generation > $after RETURN c.generation, c.events_after, c.rows"
    notes = [(number, after, changed_rows) for number, after, changed_rows in rows(transaction, text, after=generation)]
    noted = joined(notes, generation, counters.generation)
    if noted is None:
        return None
    changed, events_after = noted
    nodes = [row for kind in schema.nodes for row in _nodes(transaction, counters.names, schema, kind, changed)]
    added: list[EdgeRow] = []
    removed: list[EdgeRow] = []
    for name, spec in schema.relation_kinds.items():
        pairs = [[head, tail] for relation, head, tail in changed.edges if relation == name]
        if not pairs:
            continue
        heads, tails = counters.names.label(spec.head), counters.names.label(spec.tail)
        text = (
            f"UNWIND $pairs AS pair {by_key(heads, 'h', 'pair[0]')} {by_key(tails, 't', 'pair[1]')}"
            f" WITH pair, h, t WHERE EXISTS {{ (h)-[:{counters.names.relation(spec)}]->(t) }} RETURN collect(pair)"
        )
        existing = {tuple(pair) for pair in first(transaction, text, pairs=pairs)[0]}
        for head, tail in pairs:
            (added if (head, tail) in existing else removed).append(EdgeRow(name, head, tail))
    return FactChanges(counters.generation, events_after, nodes, tuple(changed.removed), added, removed)


def _nodes(
    transaction: ManagedTransaction, names: Names, schema: DomainSchema, kind: str, changed: ChangedRows
) -> list[NodeRow]:
    keys = [key for of_kind, key in changed.nodes if of_kind == kind]
    nodes = nodes_by_key(transaction, names.label(kind), keys) if keys else {}
    fields = schema.nodes[kind].fields
    made: list[NodeRow] = []
    for key, values in nodes.items():
        label, text = texts((values.get("name"), values.get("text", "")), f"the name or text of a {kind}")
        values_by_field = {field: values[property_name(field)] for field in fields if property_name(field) in values}
        values_of_field(list(values_by_field.values()), f"a field of a {kind}")
        made.append(NodeRow(kind, key, label, text, values_by_field))
    return made


def _create(transaction: ManagedTransaction, note: dict[str, Any]) -> None:
    first(transaction, f"CREATE (c:{CHANGE_LABEL}) SET c = $note RETURN count(c)", note=note)
